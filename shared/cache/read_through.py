"""Read-through caching that a write makes stale at once.

An entry is kept with the *tag version* of each tag that it depends on, read before its source was. Making a
tag stale gives it a new tag_version, so that no entry of the old one is believed again, however late it was
put there. A tag version is a random word, not a number: one that Redis has lost never comes back as itself.

Redis down or slow is a miss. A process that could not make something stale believes nothing in the cache, and
lets nobody else believe it either, as soon as Redis can be told: `EVERYTHING` is a tag of every entry.
Whoever found Redis down believes nothing for a moment after it is back: others may have to tell it something.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from shared import metrics

EVERYTHING = "everything"

SUSPECT_SECONDS = 1.0
"""After an outage: a process that owes Redis something tells it many times within this."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ShortLived:
    """What a loader answers when it is right for now only: it is kept for `ttl_seconds`; 0: not at all."""

    value: bytes
    ttl_seconds: int = 0


Loader = Callable[[], Awaitable[bytes | ShortLived | None]]


class CacheDownError(Exception):
    """The cache cannot be asked now."""


class Cache(Protocol):
    """A store of bytes with tag_versions. All calls raise CacheDownError when it is down or slow."""

    async def read(self, key: str, tags: Sequence[str]) -> tuple[bytes | None, tuple[str, ...]]:
        """What is kept under `key`, and the present tag_versions, from one round trip.

        None when there is nothing, or when it was kept with other tag versions than the present ones.
        """
        ...

    async def keep(self, key: str, tag_versions: Sequence[str], value: bytes, ttl_seconds: int) -> None:
        """Keep `value` as it was at these tag_versions."""
        ...

    async def renew(self, tags: Sequence[str]) -> None:
        """Give each of these tags a new tag_version, or none, so that nothing of them is believed."""
        ...

    async def ping(self) -> bool:
        """Whether it takes what is written, and answers what is read."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What is cached: its documented key, how long at the longest, and what makes it stale.

    `kind` names it in metrics; `EVERYTHING` need not be among `tags`.
    """

    kind: str
    key: str
    ttl_seconds: int
    tags: tuple[str, ...]


class ReadThrough:
    """Reads through the cache, and makes what it holds stale."""

    def __init__(
        self, cache: Cache, retry_seconds: float = 0.05, suspect_seconds: float = SUSPECT_SECONDS
    ) -> None:
        self._cache = cache
        self._retry_seconds = retry_seconds
        self._suspect_seconds = suspect_seconds
        self._is_down = False
        self._suspect_until = 0.0
        self._loading: dict[tuple[str, ...], asyncio.Future[bytes | None]] = {}
        self._pending_invalidations = 0
        self._renewal: asyncio.Task[None] | None = None

    async def read(self, entry: Entry, load: Loader) -> bytes | None:
        """What `load` answers, from the cache when it holds it.

        None from `load` is returned and not stored, `ShortLived` only for as long as it says. Concurrent
        readers share one load.
        """
        tags = (EVERYTHING, *entry.tags)
        if self._pending_invalidations:
            metrics.CACHE_READS.labels(entry.kind, "bypassed").inc()
            return _plain(await load())
        try:
            kept, tag_versions = await self._cache.read(entry.key, tags)
        except CacheDownError:
            self._is_down = True
            metrics.CACHE_READS.labels(entry.kind, "down").inc()
            return _plain(await load())
        if self._is_suspect():
            metrics.CACHE_READS.labels(entry.kind, "bypassed").inc()
            return _plain(await load())
        metrics.CACHE_READS.labels(entry.kind, "miss" if kept is None else "hit").inc()
        return kept if kept is not None else await self._load_once(entry, tag_versions, load)

    def _is_suspect(self) -> bool:
        """Whether Redis came back too lately to be believed; called after each answer of it."""
        if self._is_down:
            self._is_down = False
            self._suspect_until = time.monotonic() + self._suspect_seconds
        return time.monotonic() < self._suspect_until

    async def _load_once(self, entry: Entry, tag_versions: tuple[str, ...], load: Loader) -> bytes | None:
        """One load per key and tag versions: a read after a write never joins a load that began before it."""
        flight = (entry.key, *tag_versions)
        running = self._loading.get(flight)
        if running is None:
            running = asyncio.ensure_future(self._load_and_keep(entry, tag_versions, load))
            self._loading[flight] = running
            running.add_done_callback(lambda done: self._landed(flight, done))
        return await asyncio.shield(running)

    def _landed(self, flight: tuple[str, ...], done: asyncio.Future[bytes | None]) -> None:
        self._loading.pop(flight, None)
        if not done.cancelled():
            done.exception()  # seen, even when everybody who waited for it has left

    async def _load_and_keep(self, entry: Entry, tag_versions: tuple[str, ...], load: Loader) -> bytes | None:
        loaded = await load()
        value = _plain(loaded)
        ttl_seconds = loaded.ttl_seconds if isinstance(loaded, ShortLived) else entry.ttl_seconds
        if value is not None and ttl_seconds > 0:
            try:
                await self._cache.keep(entry.key, tag_versions, value, ttl_seconds)
            except CacheDownError:
                log.debug("not kept", key=entry.key)
        return value

    async def invalidate(self, *tags: str) -> None:
        """From now on nothing that depends on any of these is answered from the cache. Never raises."""
        try:
            await self._cache.renew(tags)
        except CacheDownError:
            self._record_pending_invalidation()

    async def ping(self) -> bool:
        """Whether the cache answers, and takes what is written."""
        return await self._cache.ping()

    def invalidate_everything(self) -> None:
        """Believe nothing that was kept up to now, by whomever.

        For the start of a process: the one before it may have ended with something stale that it never told.
        """
        self._pending_invalidations += 1
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._retry_invalidation())

    def _record_pending_invalidation(self) -> None:
        if not self._pending_invalidations:
            log.warning("cache bypassed until it can be told what is stale")
        self.invalidate_everything()

    async def _retry_invalidation(self) -> None:
        """A debt made while Redis is being told is not paid by that: it may have been told too early."""
        while self._pending_invalidations:
            owed = self._pending_invalidations
            try:
                await self._cache.renew([EVERYTHING])
            except CacheDownError:
                await asyncio.sleep(self._retry_seconds)
                continue
            self._pending_invalidations -= owed
        log.info("cache used again")

    async def close(self) -> None:
        """End the work in the background."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)


def _plain(loaded: bytes | ShortLived | None) -> bytes | None:
    return loaded.value if isinstance(loaded, ShortLived) else loaded


@asynccontextmanager
async def open_read_through(cache: Cache) -> AsyncIterator[ReadThrough]:
    """A ReadThrough on `cache` that believes nothing older than itself, closed at the end."""
    through = ReadThrough(cache)
    through.invalidate_everything()
    try:
        yield through
    finally:
        await through.close()
