"""Read-through caching that a write makes stale at once.

An entry is kept with the *generation* of each family that it depends on, read before its source was. Making a
family stale gives it a new generation, so that no entry of the old one is believed again, however late it was
put there. A generation is a random word, not a number: one that Redis has lost never comes back as itself.

Redis down or slow is a miss. A process that could not make something stale believes nothing in the cache, and
lets nobody else believe it either, as soon as Redis can be told: `EVERYTHING` is a family of every entry.
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

DOUBT_SECONDS = 1.0
"""After an outage: a process that owes Redis something tells it many times within this."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Passing:
    """What a loader answers when it is right for now only: it is kept for `ttl_seconds`; 0: not at all."""

    value: bytes
    ttl_seconds: int = 0


Loader = Callable[[], Awaitable[bytes | Passing | None]]


class CacheDownError(Exception):
    """The cache cannot be asked now."""


class Cache(Protocol):
    """A store of bytes with generations. All calls raise CacheDownError when it is down or slow."""

    async def read(self, key: str, families: Sequence[str]) -> tuple[bytes | None, tuple[str, ...]]:
        """What is kept under `key`, and the present generations, from one round trip.

        None when there is nothing, or when it was kept with other generations than the present ones.
        """
        ...

    async def keep(self, key: str, generations: Sequence[str], value: bytes, ttl_seconds: int) -> None:
        """Keep `value` as it was at these generations."""
        ...

    async def renew(self, families: Sequence[str]) -> None:
        """Give each of these families a new generation, or none, so that nothing of them is believed."""
        ...

    async def ping(self) -> bool:
        """Whether it takes what is written, and answers what is read."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What is cached: its documented key, how long at the longest, and what makes it stale.

    `kind` names it in metrics; `EVERYTHING` need not be among `families`.
    """

    kind: str
    key: str
    ttl_seconds: int
    families: tuple[str, ...]


class ReadThrough:
    """Reads through the cache, and makes what it holds stale."""

    def __init__(
        self, cache: Cache, retry_seconds: float = 0.05, doubt_seconds: float = DOUBT_SECONDS
    ) -> None:
        self._cache = cache
        self._retry_seconds = retry_seconds
        self._doubt_seconds = doubt_seconds
        self._is_down = False
        self._doubt_until = 0.0
        self._loading: dict[tuple[str, ...], asyncio.Future[bytes | None]] = {}
        self._debts = 0
        self._renewal: asyncio.Task[None] | None = None

    async def read(self, entry: Entry, load: Loader) -> bytes | None:
        """What `load` answers, from the cache when it holds it.

        None from `load` is answered and not kept, `Passing` only for as long as it says. Of several readers
        at one time one loads.
        """
        families = (EVERYTHING, *entry.families)
        if self._debts:
            metrics.CACHE_READS.labels(entry.kind, "bypassed").inc()
            return _plain(await load())
        try:
            kept, generations = await self._cache.read(entry.key, families)
        except CacheDownError:
            self._is_down = True
            metrics.CACHE_READS.labels(entry.kind, "down").inc()
            return _plain(await load())
        if self._doubts():
            metrics.CACHE_READS.labels(entry.kind, "bypassed").inc()
            return _plain(await load())
        metrics.CACHE_READS.labels(entry.kind, "miss" if kept is None else "hit").inc()
        return kept if kept is not None else await self._load_once(entry, generations, load)

    def _doubts(self) -> bool:
        """Whether Redis came back too lately to be believed; called after each answer of it."""
        if self._is_down:
            self._is_down = False
            self._doubt_until = time.monotonic() + self._doubt_seconds
        return time.monotonic() < self._doubt_until

    async def _load_once(self, entry: Entry, generations: tuple[str, ...], load: Loader) -> bytes | None:
        """One loader a key and generation: who comes after a write never waits for a load begun before it."""
        flight = (entry.key, *generations)
        running = self._loading.get(flight)
        if running is None:
            running = asyncio.ensure_future(self._load_and_keep(entry, generations, load))
            self._loading[flight] = running
            running.add_done_callback(lambda done: self._landed(flight, done))
        return await asyncio.shield(running)

    def _landed(self, flight: tuple[str, ...], done: asyncio.Future[bytes | None]) -> None:
        self._loading.pop(flight, None)
        if not done.cancelled():
            done.exception()  # seen, even when everybody who waited for it has left

    async def _load_and_keep(self, entry: Entry, generations: tuple[str, ...], load: Loader) -> bytes | None:
        loaded = await load()
        value = _plain(loaded)
        ttl_seconds = loaded.ttl_seconds if isinstance(loaded, Passing) else entry.ttl_seconds
        if value is not None and ttl_seconds > 0:
            try:
                await self._cache.keep(entry.key, generations, value, ttl_seconds)
            except CacheDownError:
                log.debug("not kept", key=entry.key)
        return value

    async def make_stale(self, *families: str) -> None:
        """From now on nothing that depends on any of these is answered from the cache. Never raises."""
        try:
            await self._cache.renew(families)
        except CacheDownError:
            self._owe_renewal()

    async def ping(self) -> bool:
        """Whether the cache answers, and takes what is written."""
        return await self._cache.ping()

    def distrust(self) -> None:
        """Believe nothing that was kept up to now, by whomever.

        For the start of a process: the one before it may have ended with something stale that it never told.
        """
        self._debts += 1
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew_everything())

    def _owe_renewal(self) -> None:
        if not self._debts:
            log.warning("cache bypassed until it can be told what is stale")
        self.distrust()

    async def _renew_everything(self) -> None:
        """A debt made while Redis is being told is not paid by that: it may have been told too early."""
        while self._debts:
            owed = self._debts
            try:
                await self._cache.renew([EVERYTHING])
            except CacheDownError:
                await asyncio.sleep(self._retry_seconds)
                continue
            self._debts -= owed
        log.info("cache used again")

    async def close(self) -> None:
        """End the work in the background."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)


def _plain(loaded: bytes | Passing | None) -> bytes | None:
    return loaded.value if isinstance(loaded, Passing) else loaded


@asynccontextmanager
async def reading_through(cache: Cache) -> AsyncIterator[ReadThrough]:
    """A ReadThrough on `cache` that believes nothing older than itself, closed at the end."""
    through = ReadThrough(cache)
    through.distrust()
    try:
        yield through
    finally:
        await through.close()
