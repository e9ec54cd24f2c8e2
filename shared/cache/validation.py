"""Validates tag versions under the continuity lease: for the services and the gateway."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from shared.cache.batches import BatchedReads
from shared.cache.lease import Lease
from shared.cache.store import CacheDownError, Store, version_key


class UntrustedError(CacheDownError):
    """What Redis returns cannot be trusted now."""


class Validator:
    """Reads from Redis, batched, and trusts what it returns only under the lease."""

    key_of = staticmethod(version_key)
    """Under which key Redis has the version of a tag."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._batches = BatchedReads(store.get)
        self.lease = lease

    async def get(self, keys: Iterable[str]) -> Mapping[str, bytes | None]:
        """Returns the values of these keys, and others, read after this was called.

        Raises:
            CacheDownError: Redis cannot be read, or not be trusted, now.
        """
        if not self.lease.is_usable():
            raise UntrustedError
        try:
            batch = await self._batches.read(keys)
        except CacheDownError as failure:
            self.lease.failed(failure)
            raise
        if not self.lease.covers(batch.started_at):
            raise UntrustedError
        return batch.found

    async def are_current(self, versions: Mapping[str, bytes]) -> bool:
        """Whether Redis has these versions, by key (`key_of`), now.

        Raises:
            CacheDownError: Redis cannot be read, or not be trusted, now.
        """
        return all_match(versions, await self.get(versions))

    async def close(self) -> None:
        """Cancel what is in flight, and end the lease."""
        await self.lease.close()
        await self._batches.close()


def all_match(versions: Mapping[str, bytes], found: Mapping[str, bytes | None]) -> bool:
    """Whether `found` has all of these versions, by key."""
    for key, version in versions.items():  # noqa: SIM110 - a generator costs more, once per request
        if found[key] != version:
            return False
    return True


@asynccontextmanager
async def open_validator(store: Store) -> AsyncIterator[Validator]:
    """A Validator with a lease on `store`, which begins now."""
    lease = Lease(store)
    validator = Validator(store, lease)
    lease.start()
    try:
        yield validator
    finally:
        await validator.close()
