"""Reading through the cache: hits, invalidation, and no outdated entries after an outage."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.cache.entry import EVERYTHING, Loaded
from shared.cache.read_through import ReadThrough, open_read_through
from tests.shared.cached_source import SONG, Source, a_cache, read, until_used
from tests.shared.memory_cache import MemoryCache


async def test_second_read_comes_from_the_cache(cache: ReadThrough) -> None:
    source = Source(b"a song")
    assert [await read(cache, source.load) for _ in range(3)] == [b"a song"] * 3
    assert source.requested == 1


@pytest.mark.parametrize("tag", SONG.tags)
async def test_each_tag_of_an_entry_invalidates_it(cache: ReadThrough, tag: str) -> None:
    source = Source()
    await read(cache, source.load)
    source.value = b"new"
    await cache.invalidate(tag)
    assert await read(cache, source.load) == b"new"


async def test_other_tags_do_not_invalidate_an_entry(cache: ReadThrough) -> None:
    source = Source()
    await read(cache, source.load)
    source.value = b"new"
    await cache.invalidate("song:2", "albums")
    assert await read(cache, source.load) == b"old"


@pytest.mark.parametrize(
    ("loaded", "returned"), [(None, None), (Loaded(b"for now", ttl_seconds=0), b"for now")]
)
async def test_absence_and_zero_ttl_are_not_cached(
    cache: ReadThrough, redis: MemoryCache, loaded: Loaded | None, returned: bytes | None
) -> None:
    source = Source(loaded)
    assert [await read(cache, source.load) for _ in range(2)] == [returned] * 2
    assert source.requested == 2
    assert redis.entries == {}


async def test_loaded_ttl_overrides_the_entry_ttl(cache: ReadThrough, redis: MemoryCache) -> None:
    source = Source(Loaded(b"for now", ttl_seconds=5))
    assert [await read(cache, source.load) for _ in range(3)] == [b"for now"] * 3
    assert source.requested == 1
    assert redis.ttls == {SONG.key: 5}


async def test_slow_load_never_restores_an_old_value(cache: ReadThrough) -> None:
    source = Source(b"old")
    source.may_respond.clear()
    slow = asyncio.create_task(read(cache, source.load))
    await source.begun.wait()
    source.value = b"new"
    await cache.invalidate("song:1")
    source.may_respond.set()
    assert await slow == b"old"
    assert await read(cache, source.load) == b"new"


async def test_concurrent_readers_share_one_load(cache: ReadThrough) -> None:
    source = Source(b"a song")
    source.may_respond.clear()
    readers = [asyncio.create_task(read(cache, source.load)) for _ in range(20)]
    await source.begun.wait()
    source.may_respond.set()
    assert await asyncio.gather(*readers) == [b"a song"] * 20
    assert source.requested == 1


async def test_read_after_invalidation_joins_no_earlier_load(cache: ReadThrough) -> None:
    before, after = Source(b"old"), Source(b"new")
    before.may_respond.clear()
    early = asyncio.create_task(read(cache, before.load))
    await before.begun.wait()
    await cache.invalidate("songs")
    assert await read(cache, after.load) == b"new"
    before.may_respond.set()
    assert await early == b"old"


async def test_cancelled_reader_does_not_cancel_the_shared_load(cache: ReadThrough) -> None:
    source = Source(b"a song")
    source.may_respond.clear()
    leaving, staying = (asyncio.create_task(read(cache, source.load)) for _ in range(2))
    await source.begun.wait()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    source.may_respond.set()
    assert await staying == b"a song"
    assert source.requested == 1


async def test_failed_load_fails_all_its_waiters_only(
    cache: ReadThrough,
) -> None:
    failing = Source()

    async def fail() -> bytes:
        await failing.load()
        raise ZeroDivisionError

    outcomes = await asyncio.gather(*(read(cache, fail) for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [ZeroDivisionError] * 2
    assert await read(cache, Source(b"a song").load) == b"a song"


async def test_reads_work_while_the_cache_is_down(cache: ReadThrough, redis: MemoryCache) -> None:
    redis.is_down = True
    source = Source(b"a song")
    assert [await read(cache, source.load) for _ in range(2)] == [b"a song"] * 2


async def test_outage_leaves_no_old_values_behind(cache: ReadThrough, redis: MemoryCache) -> None:
    source = Source(b"old")
    await read(cache, source.load)
    redis.is_down = True
    source.value = b"new"
    await cache.invalidate("song:1")
    redis.is_down = False
    assert await read(cache, source.load) == b"new"
    await until_used(cache, source)
    assert await read(cache, source.load) == b"new"
    # Another process, which noticed nothing of the outage, trusts no old entry either.
    assert await read(a_cache(redis), source.load) == b"new"


class ChangingMeanwhile(MemoryCache):
    """During its first invalidation of everything, something else changes whose invalidation fails."""

    def __init__(self) -> None:
        super().__init__()
        self.renewing = asyncio.Event()
        self.may_end = asyncio.Event()

    async def renew(self, tags: Sequence[str]) -> None:
        await super().renew(tags)
        if tags == [EVERYTHING] and not self.renewing.is_set():
            self.renewing.set()
            await self.may_end.wait()


async def test_failed_invalidation_is_retried_during_another_retry() -> None:
    redis = ChangingMeanwhile()
    async with asyncio.timeout(30):
        cache = a_cache(redis)
        redis.is_down = True
        await cache.invalidate("songs")
        redis.is_down = False
        await redis.renewing.wait()
        # Redis has renewed everything, and its response is under way; another process caches what it reads.
        other, source = a_cache(redis), Source(b"old")
        await read(other, source.load)
        source.value = b"new"
        redis.is_down = True
        await cache.invalidate("song:1")
        redis.is_down = False
        redis.may_end.set()
        await until_used(cache, source)
        assert await read(other, source.load) == b"new"
        await cache.close()


async def test_new_process_invalidates_all_earlier_entries(redis: MemoryCache) -> None:
    """The previous process may have died between a change and its invalidation."""
    source = Source(b"old")
    await read(a_cache(redis), source.load)
    source.value = b"new"
    async with open_read_through(redis) as cache:
        assert await read(cache, source.load) == b"new"
        await until_used(cache, source)
    assert redis.renewals == [(EVERYTHING,)]


async def test_cache_closes_with_pending_invalidations(redis: MemoryCache) -> None:
    redis.is_down = True
    async with asyncio.timeout(30), open_read_through(redis) as cache:
        await cache.invalidate("songs")
    assert redis.renewals == []
