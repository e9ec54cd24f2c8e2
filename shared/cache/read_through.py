"""Read-through caching in two levels, whose content is validated before it is returned.

Content is stored with the *version* of each tag that it depends on, read before its source was. The first
level is the memory of this process, the second is Redis. Either way it is only returned after its versions
were compared with those in Redis, in a read that started after the request (shared.cache.batches).
Invalidating a tag gives it a new version, so that content with the old one is never current again, however
late it was stored. A version is a random string, not a counter: a version that Redis lost is never issued
again.

Redis down or slow is a miss, and what it returns after a gap is not trusted (shared.cache.lease).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import overload

import structlog

from shared import metrics
from shared.cache.dependencies import Dependencies
from shared.cache.entry import EVERYTHING, Content, Entry, Loaded
from shared.cache.lease import Lease
from shared.cache.memory import MemoryLevel
from shared.cache.store import CacheDownError, Store, version_key
from shared.cache.validation import UntrustedError, Validator
from shared.errors import UnavailableError

MEMORY_BYTES = 32 * 1024 * 1024

log = structlog.stdlib.get_logger(__name__)

Load = Callable[[], Awaitable[bytes | Loaded | None]]
DependentLoad = Callable[[Dependencies], Awaitable[bytes | Loaded | None]]
Flight = asyncio.Future[Content | None]


class ReadThrough:
    """Reads through the cache, and invalidates entries."""

    def __init__(self, store: Store, memory_bytes: int = MEMORY_BYTES, lease: Lease | None = None) -> None:
        self._store = store
        self._memory: MemoryLevel[str, Content] = MemoryLevel(memory_bytes)
        self._lease = lease or Lease(store)
        self._validator = Validator(store, self._lease)
        self._loading: dict[tuple[object, ...], Flight] = {}

    @overload
    async def read(self, entry: Entry, load: Callable[[], Awaitable[bytes | Loaded]]) -> Content: ...

    @overload
    async def read(self, entry: Entry, load: Load) -> Content | None: ...

    async def read(self, entry: Entry, load: Load) -> Content | None:
        """Returns what `load` returns, from the cache when it holds that.

        None from `load` is returned and not stored. Concurrent readers share one load.
        """
        return await self.read_dependent(entry, lambda _: load())

    @overload
    async def read_dependent(
        self, entry: Entry, load: Callable[[Dependencies], Awaitable[bytes | Loaded]]
    ) -> Content: ...

    @overload
    async def read_dependent(self, entry: Entry, load: DependentLoad) -> Content | None: ...

    async def read_dependent(self, entry: Entry, load: DependentLoad) -> Content | None:
        """Like `read`, for content that depends on tags that only `load` finds: it adds them."""
        try:
            found, versions = await self._find(entry)
        except CacheDownError as failure:
            outcome = "bypassed" if isinstance(failure, UntrustedError) else "down"
            metrics.CACHE_READS.labels(entry.kind, outcome).inc()
            loaded = await load(Dependencies(None, {}))
            return None if loaded is None else Content.of(loaded)
        if found is not None:
            return found
        metrics.CACHE_READS.labels(entry.kind, "miss").inc()
        return await self._load_once(entry, versions, load)

    def peek(self, entry: Entry) -> Content | None:
        """What memory holds and has not expired. Its versions are still to be compared (`Dependencies`)."""
        content = self._memory.get(entry.key)
        return None if content is None or content.is_expired() else content

    def drop(self, entry: Entry, content: Content) -> None:
        """Drop `content` from memory, unless other content has replaced it."""
        if self._memory.get(entry.key) is content:
            self._memory.drop(entry.key)

    async def read_many(
        self,
        entries: Mapping[str, Entry],
        load: Callable[[Sequence[str]], Awaitable[Mapping[str, bytes]]],
        dependencies: Dependencies,
    ) -> dict[str, bytes]:
        """The content of several entries, for content that consists of them; adds their tags and expiry to
        its `dependencies`.

        `load` gets the names of all that are not in memory, or have less than half of their time to live, and
        returns what exists of them. They are kept in memory only: one query for all is as fast as Redis.
        """
        await dependencies.add(EVERYTHING, *(tag for entry in entries.values() for tag in entry.tags))
        found: dict[str, bytes] = {}
        missing = []
        now = time.time()
        for name, entry in entries.items():
            content = self._memory.get(entry.key)
            if (
                content is not None
                and content.expires_at - now >= entry.ttl_seconds / 2
                and dependencies.are_those_of(content)
            ):
                metrics.CACHE_READS.labels(entry.kind, "memory").inc()
                dependencies.expires_at = min(dependencies.expires_at, content.expires_at)
                found[name] = content.body
            else:
                metrics.CACHE_READS.labels(entry.kind, "miss" if dependencies.are_known else "down").inc()
                missing.append(name)
        if missing:
            loaded = await load(missing)
            if loaded and dependencies.are_known:
                for name, body in loaded.items():
                    self._memory.put(entries[name].key, dependencies.content_of(entries[name], body))
            found |= loaded
        return {name: found[name] for name in entries if name in found}

    async def _keep(self, key: str, content: Content, ttl_seconds: int) -> None:
        """Store this content, in memory and in Redis."""
        self._memory.put(key, content)
        try:
            await self._store.keep(key, content.to_bytes(), ttl_seconds)
        except CacheDownError as failure:
            self._lease.failed(failure)
            log.debug("not kept", key=key)

    async def _find(self, entry: Entry) -> tuple[Content | None, dict[str, bytes]]:
        """The current content, if any level has it, and the versions of the entry's own tags."""
        kept = self._memory.get(entry.key)
        if kept is not None:
            if not kept.is_expired() and await self.is_current(kept):
                metrics.CACHE_READS.labels(entry.kind, "memory").inc()
                return kept, {}
            self._memory.drop(entry.key)
        tags = (EVERYTHING, *entry.tags)
        found = await self._validator.get([entry.key, *map(version_key, tags)])
        versions = {tag: found[version_key(tag)] for tag in tags}
        stored = found[entry.key]
        if stored is not None and (content := Content.from_bytes(stored)) is not None:
            further = [tag for tag in content.versions or () if tag not in versions]
            more = await self._validator.get([version_key(tag) for tag in further]) if further else {}
            present = versions | {tag: more[version_key(tag)] for tag in further}
            if content.versions == present and not content.is_expired():
                self._memory.put(entry.key, content)
                metrics.CACHE_READS.labels(entry.kind, "redis").inc()
                return content, {}
        missing = [tag for tag, version in versions.items() if version is None]
        known = {tag: version for tag, version in versions.items() if version is not None}
        return None, known | (await self._begin(missing) if missing else {})

    async def is_current(self, content: Content) -> bool:
        """Whether its tag versions are current.

        Raises:
            CacheDownError: they cannot be read now.
        """
        return await self._validator.are_current(content.version_keys)

    async def versions(self, *tags: str) -> dict[str, bytes]:
        """Returns the current versions of these tags. Read them before what they cover.

        Raises:
            CacheDownError: they cannot be read now.
        """
        found = await self._validator.get([version_key(tag) for tag in tags])
        known = {tag: version for tag in tags if (version := found[version_key(tag)]) is not None}
        missing = [tag for tag in tags if tag not in known]
        return known | (await self._begin(missing) if missing else {})

    async def _begin(self, tags: list[str]) -> dict[str, bytes]:
        try:
            await self._store.begin(tags)
        except CacheDownError as failure:
            self._lease.failed(failure)
            raise
        found = await self._validator.get([version_key(tag) for tag in tags])
        begun = {tag: version for tag in tags if (version := found[version_key(tag)]) is not None}
        if len(begun) < len(tags):
            raise CacheDownError("tag versions evicted")
        return begun

    async def _load_once(
        self, entry: Entry, versions: Mapping[str, bytes], load: DependentLoad
    ) -> Content | None:
        """One load per key and versions: a read after a write never joins a load that began before it.

        Tags that only the load finds are compared after it, by the requests that joined. If they changed,
        these requests share the next load, which begins after all of them.
        """
        flight: tuple[object, ...] = (entry.key, *sorted(versions.items()))
        running = self._loading.get(flight)
        if running is None:
            return await asyncio.shield(self._start_loading(flight, entry, versions, load))
        content = await asyncio.shield(running)
        if content is None or content.versions == versions or await self._is_surely_current(content):
            return content
        following = (running,)
        again = self._loading.get(following) or self._start_loading(following, entry, versions, load)
        return await asyncio.shield(again)

    def _start_loading(
        self, flight: tuple[object, ...], entry: Entry, versions: Mapping[str, bytes], load: DependentLoad
    ) -> Flight:
        running = asyncio.ensure_future(self._load_and_keep(entry, versions, load))
        self._loading[flight] = running
        running.add_done_callback(lambda done: self._landed(flight, done))
        return running

    async def _is_surely_current(self, content: Content) -> bool:
        try:
            return content.versions is not None and await self.is_current(content)
        except CacheDownError:
            return False

    def _landed(self, flight: tuple[object, ...], done: Flight) -> None:
        self._loading.pop(flight, None)
        if not done.cancelled():
            done.exception()  # retrieve the exception even when all waiting requests were cancelled

    async def _load_and_keep(
        self, entry: Entry, versions: Mapping[str, bytes], load: DependentLoad
    ) -> Content | None:
        dependencies = Dependencies(self, versions)
        loaded = await load(dependencies)
        if loaded is None:
            return None
        if isinstance(loaded, bytes):
            loaded = Loaded(loaded)
        if not dependencies.are_known:
            return Content.of(loaded)
        ttl_seconds = entry.ttl_seconds if loaded.ttl_seconds is None else loaded.ttl_seconds
        if ttl_seconds <= 0:
            return Content.of(loaded, dependencies.versions)
        expires_at = min(time.time() + ttl_seconds, dependencies.expires_at)
        content = Content.of(loaded, dependencies.versions, expires_at, is_shared=entry.is_shared)
        if loaded.is_local:
            self._memory.put(entry.key, content)
        else:
            await self._keep(entry.key, content, ttl_seconds)
        return content

    async def invalidate(self, *tags: str) -> None:
        """Give these tags new versions: from now on no process returns content that depends on any of them.

        Never raises. While Redis is down, it waits until no process trusts the cache.
        """
        try:
            await self._store.renew(tags)
        except CacheDownError as failure:
            self._lease.failed(failure)
            self._lease.lose()
            await self._lease.until_nobody_trusts()
        except BaseException:  # cancelled: the invalidation may or may not have reached Redis
            self._lease.lose()
            raise

    async def forget(self, keys: Sequence[str], tags: Sequence[str]) -> None:
        """Delete entries and versions whose names must not stay in Redis.

        Raises:
            UnavailableError: Redis is down.
        """
        try:
            await self._store.forget([*keys, *(version_key(tag) for tag in tags)])
        except CacheDownError as failure:
            raise UnavailableError("The cache is not available now") from failure

    async def ping(self) -> bool:
        """Whether the store responds and accepts writes."""
        try:
            return await self._store.ping()
        except CacheDownError as failure:
            self._lease.failed(failure)
            raise

    async def close(self) -> None:
        """Stop the background work."""
        await self._validator.close()


@asynccontextmanager
async def open_read_through(store: Store, memory_bytes: int = MEMORY_BYTES) -> AsyncIterator[ReadThrough]:
    """A ReadThrough on `store` that trusts nothing older than itself, closed at the end."""
    lease = Lease(store)
    through = ReadThrough(store, memory_bytes, lease)
    lease.start()
    try:
        yield through
    finally:
        await through.close()
