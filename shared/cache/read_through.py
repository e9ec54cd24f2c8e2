"""Read-through caching in two levels, whose content is validated before it is returned.

Content is stored with the *version* of each tag that it depends on, read before its source was. The first
level is the memory of this process, the second is Redis. Either way it is only returned after its versions
were compared with those in Redis, in a read that started after the request (shared.cache.batches).
Invalidating a tag gives it a new version, so that content with the old one is never current again, however
late it was stored. A version is a random string, not a counter: a version that Redis lost is never issued
again.

Redis down or slow is a miss, and what it returns after a gap is not trusted (shared.cache.lease).
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import overload

import structlog

from shared import metrics
from shared.cache.dependencies import Dependencies
from shared.cache.entry import EVERYTHING, Content, Entry, Loaded
from shared.cache.lease import Lease
from shared.cache.loads import Loads
from shared.cache.memory import MemoryLevel
from shared.cache.store import CacheDownError, Store, version_key
from shared.cache.validation import UntrustedError, Validator, all_match
from shared.errors import UnavailableError

MEMORY_BYTES = 32 * 1024 * 1024

log = structlog.stdlib.get_logger(__name__)

Load = Callable[[], Awaitable[bytes | Loaded | None]]
DependentLoad = Callable[[Dependencies], Awaitable[bytes | Loaded | None]]


class ReadThrough:
    """Reads through the cache, and invalidates entries."""

    def __init__(self, store: Store, memory_bytes: int = MEMORY_BYTES, lease: Lease | None = None) -> None:
        self._store = store
        self._memory: MemoryLevel[str, Content] = MemoryLevel(memory_bytes)
        self._lease = lease or Lease(store)
        self._validator = Validator(store, self._lease)
        self._loads = Loads(self._is_surely_current)

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
            found = await self._find(entry)
        except CacheDownError as failure:
            outcome = "bypassed" if isinstance(failure, UntrustedError) else "down"
            metrics.CACHE_READS.labels(entry.kind, outcome).inc()
            loaded = await load(Dependencies(None, {}))
            return None if loaded is None else Content.of(loaded)
        if isinstance(found, Content):
            return found
        metrics.CACHE_READS.labels(entry.kind, "miss").inc()
        return await self._loads.share(entry.key, found, partial(self._load_and_keep, entry, load))

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
            log.debug("cache entry not stored", key=key)

    async def _find(self, entry: Entry) -> Content | Dependencies:
        """The current content, if any level has it, or else the dependencies of a load: the own tags, and
        the versions of others that were read to compare outdated content.
        """
        tags = (EVERYTHING, *entry.tags)
        compared: dict[str, bytes | None] = {}
        kept = self._memory.get(entry.key)
        if kept is not None:
            if not kept.is_expired():
                found = await self._validator.get(kept.version_keys)
                if all_match(kept.version_keys, found):
                    metrics.CACHE_READS.labels(entry.kind, "memory").inc()
                    return kept
                compared = _by_tag(kept.versions or (), found)
            self._memory.drop(entry.key)
        found = await self._validator.get([entry.key, *map(version_key, tags)])
        compared |= _by_tag(tags, found)
        stored = found[entry.key]
        if stored is not None and (content := Content.from_bytes(stored)) is not None:
            needed = (*tags, *(content.versions or ()))
            further = [tag for tag in needed if tag not in compared]
            if further:
                compared |= _by_tag(further, await self._validator.get(map(version_key, further)))
            if content.versions == {tag: compared[tag] for tag in needed} and not content.is_expired():
                self._memory.put(entry.key, content)
                metrics.CACHE_READS.labels(entry.kind, "redis").inc()
                return content
        known = {tag: version for tag, version in compared.items() if version is not None}
        missing = [tag for tag in tags if tag not in known]
        known |= await self._begin(missing) if missing else {}
        return Dependencies(self, {tag: known[tag] for tag in tags}, known)

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

    async def _is_surely_current(self, content: Content) -> bool:
        try:
            return content.versions is not None and await self.is_current(content)
        except CacheDownError:
            return False

    async def _load_and_keep(
        self, entry: Entry, load: DependentLoad, dependencies: Dependencies
    ) -> Content | None:
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


def _by_tag(tags: Iterable[str], found: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    return {tag: found[version_key(tag)] for tag in tags}


@asynccontextmanager
async def open_read_through(store: Store, memory_bytes: int = MEMORY_BYTES) -> AsyncIterator[ReadThrough]:
    """A ReadThrough on `store`, closed at the end. It bypasses the cache until it holds the lease."""
    lease = Lease(store)
    through = ReadThrough(store, memory_bytes, lease)
    lease.start()
    try:
        yield through
    finally:
        await through.close()
