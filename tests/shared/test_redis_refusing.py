"""A Redis that answers and takes nothing: full, read-only after a failover, or failing at its snapshots."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.cache.read_through import CacheDownError, Entry, ReadThrough
from shared.cache.redis import RedisCache, open_redis_cache
from tests.shared.fake_redis import Refusing, fake_redis, refusing

TAGS = ("everything", "songs")
FULL = {b"SET"}
READ_ONLY = {b"SET", b"DEL"}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with fake_redis() as port:
        yield port


@pytest.fixture
async def redis(port: int) -> AsyncIterator[Refusing]:
    async with refusing(port) as found:
        yield found


@pytest.fixture
async def writer(redis: Refusing) -> AsyncIterator[RedisCache]:
    async with open_redis_cache(redis.url, timeout_seconds=5) as opened:
        yield opened


@pytest.fixture
async def reader(redis: Refusing) -> AsyncIterator[RedisCache]:
    """Another process's; it keeps a song."""
    async with open_redis_cache(redis.url, timeout_seconds=5) as opened:
        _, tag_versions = await opened.read("song:1", TAGS)
        await opened.keep("song:1", tag_versions, b"shown", 600)
        assert (await opened.read("song:1", TAGS))[0] == b"shown"
        yield opened


async def test_what_a_full_redis_is_told_is_stale_is_stale_for_everybody(
    redis: Refusing, writer: RedisCache, reader: RedisCache
) -> None:
    redis.refused = FULL
    await writer.renew(["songs"])
    for _ in range(2):
        with pytest.raises(CacheDownError):
            await reader.read("song:1", TAGS)
    redis.refused = set()
    assert (await reader.read("song:1", TAGS))[0] is None


async def test_what_does_not_depend_on_it_is_not(
    redis: Refusing, writer: RedisCache, reader: RedisCache
) -> None:
    redis.refused = FULL
    await writer.renew(["albums"])
    assert (await reader.read("song:1", TAGS))[0] == b"shown"


async def test_who_cannot_tell_a_read_only_redis_what_is_stale_is_told_so(
    redis: Refusing, writer: RedisCache
) -> None:
    redis.refused = READ_ONLY
    with pytest.raises(CacheDownError):
        await writer.renew(["songs"])


async def test_who_had_a_write_refused_believes_nothing_until_one_is_taken(
    redis: Refusing, reader: RedisCache
) -> None:
    redis.refused = READ_ONLY
    with pytest.raises(CacheDownError):
        await reader.keep("song:2", ("a", "b"), b"another", 600)
    for _ in range(2):
        with pytest.raises(CacheDownError):
            await reader.read("song:1", TAGS)
    redis.refused = set()
    await reader.ping()
    assert (await reader.read("song:1", TAGS))[0] == b"shown"


async def test_after_a_write_was_refused_the_cache_is_used_again_without_anybody_asking_how_it_is(
    redis: Refusing, reader: RedisCache
) -> None:
    redis.refused = FULL
    with pytest.raises(CacheDownError):
        await reader.keep("song:2", ("a", "b"), b"another", 600)
    redis.refused = set()
    assert (await reader.read("song:1", TAGS))[0] == b"shown"


@pytest.mark.parametrize("refused", [FULL, READ_ONLY], ids=["full", "read-only"])
async def test_a_redis_that_takes_nothing_is_not_well(
    redis: Refusing, writer: RedisCache, refused: set[bytes]
) -> None:
    assert await writer.ping()
    redis.refused = refused
    with pytest.raises(CacheDownError):
        await writer.ping()


async def test_a_process_that_looks_at_a_read_only_redis_once_answers_what_is_right(
    redis: Refusing, reader: RedisCache
) -> None:
    song = Entry("song", "song:1", 600, ("songs",))
    through = ReadThrough(reader)

    async def load() -> bytes:
        return b"hidden"

    assert await through.read(song, load) == b"shown"
    redis.refused = READ_ONLY
    with pytest.raises(CacheDownError):
        await through.ping()
    assert await through.read(song, load) == b"hidden"
    await through.close()
