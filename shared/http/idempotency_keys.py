"""The store of idempotency keys: the request and the response of each caller's keys."""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol

import structlog

from shared import metrics
from shared.cache.store import CacheDownError
from shared.errors import ConflictError, FieldError, InvalidError, UnavailableError

KEPT_SECONDS: Final = 24 * 3600
PENDING_SECONDS: Final = 30
"""How long a request holds its key without extending it, as after a crash."""

KEY_STORE_TIMEOUT_SECONDS: Final = 1.0
"""For one call to the store: longer than for the cache, because without it a request may have two effects."""

EXTENDED_EVERY_SECONDS: Final = 10.0
RETRY_AFTER_SECONDS: Final = 2
_ATTEMPTS: Final = 3

log = structlog.stdlib.get_logger(__name__)


class KeyInUseError(ConflictError):
    """A request with this key is being served."""

    code = "idempotency_key_in_use"
    retry_after_seconds: ClassVar[int] = RETRY_AFTER_SECONDS

    def __init__(self) -> None:
        super().__init__("This request is being processed, try again shortly")


class KeyReusedError(InvalidError):
    """The key was used for another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        detail = "This Idempotency-Key was used for another request"
        super().__init__(detail, [FieldError("Idempotency-Key", "must be a new one for another request")])


class KeyStore(Protocol):
    """A key-value store shared by all replicas. All calls raise CacheDownError when it is down."""

    async def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Returns the current value of each key."""
        ...

    async def add(self, key: str, value: bytes, ttl_seconds: int) -> bool:
        """Store `value` unless the key exists. Returns whether it was stored."""
        ...

    async def keep(self, key: str, value: bytes, ttl_seconds: int) -> None:
        """Store `value` under `key`."""
        ...

    async def extend(self, key: str, ttl_seconds: int) -> None:
        """Extend the time to live of the key; never shorten it."""
        ...

    async def remove(self, key: str) -> None:
        """Delete the key."""
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """Delete these keys, if they exist."""
        ...

    async def add_member(self, key: str, member: str, ttl_seconds: int) -> None:
        """Add `member` to the set at `key`, and set the time to live of the set."""
        ...

    async def members(self, key: str) -> set[str]:
        """The members of the set at `key`."""
        ...


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A stored response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that holds its key. `extension` keeps it alive."""

    name: str
    caller: str
    fingerprint: str
    extension: "asyncio.Task[None]"
    token: str = field(default_factory=lambda: secrets.token_hex(8))


class IdempotencyKeys:
    """Keys in a store that replicas share, each scoped to its caller."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    async def check_not_pending(self, caller: str, key: str) -> None:
        """Raises KeyInUseError before a large body is read for nothing."""
        try:
            (found,) = await self._store.get([_name(caller, key)])
        except CacheDownError:
            return
        if found is not None and _parse(found)[0]["state"] == "pending":
            raise _in_use()

    async def begin(self, caller: str, key: str, fingerprint: str) -> StoredResponse | Pending | None:
        """Acquire the key for a request. Returns the stored response if there is one; None: the store is
        down.

        Raises:
            KeyInUseError: the request is being served.
            KeyReusedError: the caller used the key for another request.
        """
        name, token = _name(caller, key), secrets.token_hex(8)
        caller = _digest(caller)
        entry = {"state": "pending", "caller": caller, "fingerprint": fingerprint, "token": token}
        try:
            for _ in range(_ATTEMPTS):
                if await self._store.add(name, _format(entry), PENDING_SECONDS):
                    metrics.IDEMPOTENT_REQUESTS.labels("first").inc()
                    extension = asyncio.create_task(self._extend(name))
                    return Pending(name, caller, fingerprint, extension, token)
                (found,) = await self._store.get([name])
                if found is not None:
                    return _stored(found, caller, fingerprint)
        except CacheDownError:
            metrics.IDEMPOTENT_REQUESTS.labels("unavailable").inc()
            log.warning("served without its idempotency key")
            return None
        raise _in_use()

    async def complete(self, pending: Pending, response: StoredResponse) -> None:
        """Store the response of the request."""
        entry = {
            "state": "answered",
            "caller": pending.caller,
            "fingerprint": pending.fingerprint,
            "status": response.status,
            "headers": dict(response.headers),
        }
        await self._finish(pending, _format(entry, response.body))

    async def forget(self, caller: str) -> None:
        """Delete all stored responses of this caller, who was deleted.

        Raises:
            UnavailableError: the store is down.
        """
        try:
            for day in (_today() - 1, _today()):
                index = _index(_digest(caller), day)
                await self._store.forget([*await self._store.members(index), index])
        except CacheDownError as failure:
            raise UnavailableError("The stored responses are not available now") from failure

    async def release(self, pending: Pending) -> None:
        """Release the key."""
        await self._finish(pending, None)

    async def _finish(self, pending: Pending, response: bytes | None) -> None:
        pending.extension.cancel()
        with suppress(asyncio.CancelledError):
            await pending.extension
        try:
            (found,) = await self._store.get([pending.name])
            if found is None or _parse(found)[0].get("token") != pending.token:
                log.warning("idempotency key lost while its request was served")
            elif response is None:
                await self._store.remove(pending.name)
            else:
                index = _index(pending.caller, _today())
                await self._store.add_member(index, pending.name, 2 * KEPT_SECONDS)
                await self._store.keep(pending.name, response, KEPT_SECONDS)
        except CacheDownError:
            log.warning("response not stored for its idempotency key")

    async def _extend(self, name: str) -> None:
        while True:
            await asyncio.sleep(EXTENDED_EVERY_SECONDS)
            with suppress(CacheDownError):
                await self._store.extend(name, PENDING_SECONDS)


def _stored(found: bytes, caller: str, fingerprint: str) -> StoredResponse:
    entry, body = _parse(found)
    if entry["caller"] != caller or entry["fingerprint"] != fingerprint:
        metrics.IDEMPOTENT_REQUESTS.labels("reused").inc()
        raise KeyReusedError
    if entry["state"] == "pending":
        raise _in_use()
    metrics.IDEMPOTENT_REQUESTS.labels("replayed").inc()
    return StoredResponse(entry["status"], entry["headers"], body)


def _in_use() -> KeyInUseError:
    metrics.IDEMPOTENT_REQUESTS.labels("in_use").inc()
    return KeyInUseError()


def _name(caller: str, key: str) -> str:
    """The name under which the key is stored: no two callers share one."""
    return f"idempotency:{_digest(json.dumps([caller, key]))}"


def _index(digest_of_caller: str, day: int) -> str:
    """Names the set of a caller's keys whose response was stored on this day."""
    return f"idempotency-keys-of:{digest_of_caller}:{day}"


def _today() -> int:
    """Days since 1970."""
    return int(time.time() // KEPT_SECONDS)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _format(entry: Mapping[str, object], body: bytes = b"") -> bytes:
    return json.dumps(entry).encode() + b"\n" + body


def _parse(kept: bytes) -> tuple[dict[str, Any], bytes]:
    head, _, body = kept.partition(b"\n")
    return json.loads(head), body
