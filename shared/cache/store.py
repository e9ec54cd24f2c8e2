"""What the cache needs of Redis."""

from collections.abc import Sequence
from typing import Protocol


class CacheDownError(Exception):
    """Redis did not answer in time, or cannot be reached."""


class CacheRefusedError(CacheDownError):
    """Redis answers, and does not carry out what it is told: it is full, read-only, or not what we need."""


def version_key(tag: str) -> str:
    """The key of a tag's version."""
    return f"tag:{tag}"


class Store(Protocol):
    """Bytes under keys, and versions of tags.

    All calls raise CacheDownError when it is down, slow or refuses.
    """

    async def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """What is kept under each of these keys now. `version_key` gives the key of a tag's version."""
        ...

    async def begin(self, tags: Sequence[str]) -> None:
        """Give each of these tags a version, unless it has one."""
        ...

    async def keep(self, key: str, value: bytes, ttl_seconds: int) -> None:
        """Keep `value` under `key`."""
        ...

    async def renew(self, tags: Sequence[str]) -> None:
        """Give each of these tags a new version, or none, so that nothing that depends on it is current."""
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """Delete these keys; harmless when there are none. A missing version is a miss for everybody."""
        ...

    async def beat(self) -> bool:
        """Write a heartbeat. Whether the store still has what this process wrote with one of the last."""
        ...

    async def ping(self) -> bool:
        """Whether it takes what is written, and answers what is read."""
        ...
