"""The store on Redis, with a short deadline.

A command that misses the deadline is no longer awaited, but not cancelled either: connecting takes several
round trips, and to a distant Redis a connection would never be established. A command that runs late is
harmless: content is stored with the versions of its time, and a new version only invalidates.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from redis.exceptions import ReadOnlyError, RedisClusterException, RedisError, ResponseError

from shared import metrics
from shared.cache.entry import EVERYTHING
from shared.cache.redis_client import Client, open_client
from shared.cache.store import CacheDownError, CacheRefusedError, version_key

Reply = TypeVar("Reply")

TAG_VERSION_SECONDS: Final = 7 * 24 * 3600
"""How long an unused version lives: longer than any entry, so that its expiry is harmless."""

HEARTBEAT_TTL_SECONDS: Final = 60
BEATS_REMEMBERED: Final = 8
"""How many of the heartbeats after the last acknowledged one are accepted: they may run after a timeout."""

CONTINUITY_KEY: Final = f"{{{version_key(EVERYTHING)}}}:continuity"
"""In a cluster in the same slot as the version of `everything`, and so on the same node."""

PROCESSES_KEY: Final = "processes"
ALIVE_SECONDS: Final = 2
"""How long a process without a heartbeat is taken to be alive."""


class RedisStore:
    """Implements shared.cache.store.Store."""

    def __init__(self, client: Client, timeout_seconds: float) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._id = secrets.token_hex(8)
        self._beats: deque[bytes] = deque(maxlen=BEATS_REMEMBERED)
        self._has_forgotten = False
        self._checked_connection: int | None = None
        self._running: set[asyncio.Task[Any]] = set()

    async def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        found = await self._within_deadline(self._client.get_many(keys))
        if self._checked_connection not in (None, self._client.read_connections):
            raise CacheDownError("another connection, perhaps to another server; no heartbeat has checked it")
        return found

    async def begin(self, tags: Sequence[str]) -> None:
        await self._within_deadline(
            self._client.set_many(_new_versions(tags), TAG_VERSION_SECONDS, only_new=True)
        )

    async def keep(self, key: str, value: bytes, ttl_seconds: int) -> None:
        await self._within_deadline(self._client.store(key, value, ttl_seconds))

    async def add(self, key: str, value: bytes, ttl_seconds: int) -> bool:
        """Store `value` unless the key exists. Returns whether it was stored."""
        return await self._within_deadline(self._client.add(key, value, ttl_seconds))

    async def extend(self, key: str, ttl_seconds: int) -> None:
        """Extend the time to live of the key; never shorten it."""
        await self._within_deadline(self._client.extend(key, ttl_seconds))

    async def remove(self, key: str) -> None:
        """Delete the key."""
        await self._within_deadline(self._client.delete_many([key]))

    async def add_member(self, key: str, member: str, ttl_seconds: int) -> None:
        """Add `member` to the set at `key`, and set the time to live of the set."""
        await self._within_deadline(self._client.add_member(key, member, ttl_seconds))

    async def members(self, key: str) -> set[str]:
        """The members of the set at `key`."""
        return await self._within_deadline(self._client.members(key))

    async def renew(self, tags: Sequence[str]) -> None:
        try:
            await self._within_deadline(self._client.set_many(_new_versions(tags), TAG_VERSION_SECONDS))
        except CacheRefusedError:
            # A full Redis still deletes, and a version that is missing is a miss for everybody.
            await self._within_deadline(self._client.delete_many([version_key(tag) for tag in tags]))

    async def forget(self, keys: Sequence[str]) -> None:
        await self._within_deadline(self._client.delete_many(keys))

    async def increment(self, ttl_seconds: Mapping[str, int]) -> Sequence[int]:
        """Increment each of these counters and set its time to live. Raises CacheDownError."""
        return await self._within_deadline(self._client.increment_many(ttl_seconds))

    async def beat(self) -> bool:
        written = _new_version()
        before = tuple(self._beats)
        self._beats.append(written)
        found = await self._within_deadline(
            self._client.exchange(f"heartbeat:{self._id}", written, HEARTBEAT_TTL_SECONDS)
        )
        # A failover that loses this one has lost what was written since, too: an older one proves nothing.
        while self._beats[0] != written:
            self._beats.popleft()
        # Kept if this heartbeat fails below: the next one finds what this one wrote.
        self._has_forgotten = self._has_forgotten or any(each not in before for each in found)
        await self._within_deadline(self._client.set_many({_alive_key(self._id): written}, ALIVE_SECONDS))
        await self._within_deadline(self._client.add_member(PROCESSES_KEY, self._id, TAG_VERSION_SECONDS))
        # Reads may have a connection of their own: it has to reach the same server, and is kept in use.
        (alive,) = await self._within_deadline(self._client.get_many([_alive_key(self._id)]))
        if alive != written:
            raise CacheDownError("reads reach another server, or a replica that lags")
        self._checked_connection = self._client.read_connections
        has_forgotten, self._has_forgotten = self._has_forgotten, False
        return not has_forgotten

    async def begin_continuity(self, seconds: int) -> None:
        key = version_key(EVERYTHING)
        # One pipeline, the version first: even if it runs late, no entry from before the continuity is valid.
        pieces = [(key, _new_version(), TAG_VERSION_SECONDS), (CONTINUITY_KEY, b"", seconds)]
        try:
            await self._within_deadline(self._client.set_in_order(pieces))
        except CacheRefusedError:
            await self.forget([key])

    async def extend_continuity(self, seconds: int) -> bool:
        return await self._within_deadline(self._client.expire(CONTINUITY_KEY, seconds))

    async def crashed_processes(self) -> Sequence[str]:
        known = sorted(await self._within_deadline(self._client.members(PROCESSES_KEY)))
        if not known:
            return []
        alive = await self._within_deadline(self._client.get_many([_alive_key(each) for each in known]))
        return [process for process, value in zip(known, alive, strict=True) if value is None]

    async def remove_processes(self, processes: Sequence[str]) -> None:
        await self._within_deadline(self._client.remove_members(PROCESSES_KEY, processes))

    async def leave(self) -> None:
        await self.remove_processes([self._id])

    async def ping(self) -> bool:
        key = f"heartbeat:{self._id}:ping"
        await self._within_deadline(self._client.exchange(key, b"", HEARTBEAT_TTL_SECONDS))
        await self._within_deadline(self._client.get_many([key, version_key(self._id)]))
        return True

    async def _within_deadline(self, command: Awaitable[Reply]) -> Reply:
        task = asyncio.ensure_future(command)
        self._running.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait([task], timeout=self._timeout_seconds)
        if not task.done():
            metrics.CACHE_FAILURES.inc()
            raise CacheDownError("no reply in time") from TimeoutError()
        try:
            return task.result()
        except ResponseError as failure:
            metrics.CACHE_FAILURES.inc()
            if isinstance(failure, ReadOnlyError):
                # A replica by now, which keeps its connections: a new one may reach the master.
                with suppress(CacheDownError):
                    await self._within_deadline(self._client.disconnect())
            raise CacheRefusedError(str(failure)) from failure
        except (RedisError, RedisClusterException, OSError, TimeoutError) as failure:
            metrics.CACHE_FAILURES.inc()
            raise CacheDownError(str(failure)) from failure

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieve the exception even when nothing awaits it any more

    async def close(self) -> None:
        """Cancel commands that nothing awaits any more."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _new_versions(tags: Sequence[str]) -> dict[str, bytes]:
    return {version_key(tag): _new_version() for tag in tags}


def _new_version() -> bytes:
    return secrets.token_hex(8).encode()


def _alive_key(process: str) -> str:
    return f"alive:{process}"


@asynccontextmanager
async def open_redis_store(url: str, timeout_seconds: float) -> AsyncIterator[RedisStore]:
    """A store on the Redis at `url`, in one of the forms of `open_client`; Redis need not be up yet."""
    async with open_client(url, timeout_seconds) as client:
        store = RedisStore(client, timeout_seconds)
        try:
            yield store
        finally:
            await store.close()
