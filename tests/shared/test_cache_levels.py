"""The two cache levels, memory and Redis, and dependencies of entries."""

import asyncio
import time

import pytest

from shared.cache.dependencies import Dependencies
from shared.cache.entry import Entry
from shared.cache.read_through import MEMORY_BYTES, ReadThrough, open_read_through
from tests.shared.cached_source import SONG, Source, a_cache, read, until_used
from tests.shared.memory_cache import MemoryCache
from tests.system.waiting import until

ALBUM = Entry("album", "album:1", 600, ("album:1",))


async def read_album(cache: ReadThrough, songs: dict[str, str], begun: asyncio.Event | None = None) -> str:
    """An album which depends on the songs that its loader finds."""

    async def load(dependencies: Dependencies) -> bytes:
        await dependencies.add(*songs)
        seen = ",".join(songs.values())
        if begun is not None:
            begun.set()
            await asyncio.sleep(0.02)
        return seen.encode()

    content = await cache.read_dependent(ALBUM, load)
    assert content is not None
    return content.body.decode()


async def test_dependencies_found_while_loading_invalidate_the_entry(
    cache: ReadThrough, redis: MemoryCache
) -> None:
    songs = {"song:1": "one", "song:2": "two"}
    other = a_cache(redis)
    for each in (cache, other, cache):
        assert await read_album(each, songs) == "one,two"
    songs["song:2"] = "changed"
    await cache.invalidate("song:3")
    assert await read_album(other, songs) == "one,two"
    await cache.invalidate("song:2")
    for each in (cache, other):
        assert await read_album(each, songs) == "one,changed"


@pytest.mark.parametrize(("memory_bytes", "reads"), [(MEMORY_BYTES, 5), (0, 6)])
async def test_versions_that_were_compared_are_not_read_again(
    redis: MemoryCache, memory_bytes: int, reads: int
) -> None:
    """A loader reads its source again when it finds tags whose versions were read after that."""
    songs, other = {"song:1": "one", "song:2": "two"}, {"song:9": "new"}
    cache = a_cache(redis, memory_bytes=memory_bytes)
    await read_album(cache, songs)
    await cache.invalidate("song:2")
    were_read = []

    async def load(dependencies: Dependencies) -> bytes:
        were_read.append(await dependencies.add(*songs))
        were_read.append(await dependencies.add(*songs, *other))
        return b"changed"

    before = redis.reads
    for _ in range(2):
        content = await cache.read_dependent(ALBUM, load)
        assert content is not None
        assert content.body == b"changed"
    assert were_read == [False, True]
    # What was outdated, the entry's own tags, the new tag before and after it began, and the new content;
    # without memory the versions of content are read after the content.
    assert redis.reads - before == reads
    await cache.invalidate("song:1")
    assert await read_album(cache, songs) == "one,two"


async def test_change_during_a_load_reaches_the_next_read(cache: ReadThrough) -> None:
    songs = {"song:1": "one"}
    await read_album(cache, songs)
    await cache.invalidate("song:1")

    async def load(dependencies: Dependencies) -> bytes:
        await dependencies.add(*songs)
        await cache.invalidate("song:1")
        return b"read too early"

    await cache.read_dependent(ALBUM, load)
    assert await read_album(cache, {"song:1": "changed"}) == "changed"


async def test_joined_load_is_checked_by_its_dependencies(cache: ReadThrough) -> None:
    """It began before a change of something that is no tag of the entry itself."""
    begun, songs = asyncio.Event(), {"song:1": "old"}
    early = asyncio.create_task(read_album(cache, dict(songs), begun))
    await begun.wait()
    songs["song:1"] = "new"
    await cache.invalidate("song:1")
    assert await read_album(cache, songs) == "new"
    assert await early == "old"


async def test_requests_after_an_outdated_load_share_the_next(cache: ReadThrough) -> None:
    """If each loaded by itself, it could take longer than until the next change: nothing would be stored."""
    loads, begun, songs = 0, asyncio.Event(), {"song:1": "old"}

    async def load(dependencies: Dependencies) -> bytes:
        nonlocal loads
        loads += 1
        await dependencies.add(*songs)
        seen = songs["song:1"]
        begun.set()
        await asyncio.sleep(0.02)
        return seen.encode()

    async def read_once() -> bytes:
        content = await cache.read_dependent(ALBUM, load)
        assert content is not None
        return content.body

    early = asyncio.create_task(read_once())
    await begun.wait()
    songs["song:1"] = "new"
    await cache.invalidate("song:1")
    assert await asyncio.gather(*(read_once() for _ in range(20))) == [b"new"] * 20
    assert (await early, loads) == (b"old", 2)
    assert (await read_once(), loads) == (b"new", 2)


async def test_memory_is_validated_in_every_read(cache: ReadThrough, redis: MemoryCache) -> None:
    source = Source(b"a song")
    await read(cache, source.load)
    before = redis.reads
    redis.entries.clear()
    assert await read(cache, source.load) == b"a song"
    assert (source.requested, redis.reads) == (1, before + 1)


async def test_second_level_serves_other_processes(redis: MemoryCache) -> None:
    source = Source(b"a song")
    assert await read(a_cache(redis), source.load) == b"a song"
    other = a_cache(redis, memory_bytes=0)
    assert [await read(other, source.load) for _ in range(2)] == [b"a song"] * 2
    assert source.requested == 1


async def test_content_expires_in_memory_too(
    cache: ReadThrough, redis: MemoryCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(b"old")
    await read(cache, source.load)
    source.value = b"new"
    now = time.time()
    monkeypatch.setattr("shared.cache.entry.time.time", lambda: now + SONG.ttl_seconds - 1)
    assert await read(cache, source.load) == b"old"
    monkeypatch.setattr("shared.cache.entry.time.time", lambda: now + SONG.ttl_seconds + 1)
    assert await read(cache, source.load) == b"new"


async def test_lost_redis_data_invalidates_everything(redis: MemoryCache) -> None:
    """A restored snapshot, or a replica that became the master, may have old versions with old content."""
    async with open_read_through(redis) as cache:
        source = Source(b"old")
        await until_used(cache, source)
        source.value = b"new"
        redis.has_lost_data = True

        async def is_noticed() -> bool:
            return await read(cache, source.load) == b"new"

        await until(is_noticed)
