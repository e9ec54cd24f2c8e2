"""The cache on a Redis that answers, hangs, or is none."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from shared.cache.read_through import CacheDownError
from shared.cache.redis import TAG_VERSION_SECONDS, RedisCache, open_redis_cache
from tests.shared.fake_redis import fake_redis

TAGS = ("everything", "songs")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a Redis."""
    with fake_redis() as port:
        yield port


@pytest.fixture
async def cache(port: int) -> AsyncIterator[RedisCache]:
    async with open_redis_cache(f"redis://127.0.0.1:{port}/0", timeout_seconds=5) as opened:
        yield opened


@pytest.fixture
async def redis(port: int) -> AsyncIterator[Redis]:
    async with Redis(port=port) as opened:
        await opened.flushall()
        yield opened


async def test_what_is_kept_is_read_until_a_family_is_renewed(redis: Redis, cache: RedisCache) -> None:
    value = b"line\nline \xff\x00"
    nothing, tag_versions = await cache.read("song:1", TAGS)
    assert nothing is None
    await cache.keep("song:1", tag_versions, value, 600)
    assert await cache.read("song:1", TAGS) == (value, tag_versions)
    await cache.renew(["songs"])
    stale, later = await cache.read("song:1", TAGS)
    assert stale is None
    assert (later[0], later[1] != tag_versions[1]) == (tag_versions[0], True)


async def test_what_was_loaded_before_a_renewal_and_kept_after_it_is_not_believed(
    redis: Redis, cache: RedisCache
) -> None:
    _, before = await cache.read("song:1", TAGS)
    await cache.renew(["everything"])
    await cache.keep("song:1", before, b"old", 600)
    assert (await cache.read("song:1", TAGS))[0] is None


async def test_generations_that_redis_has_lost_do_not_come_back(redis: Redis, cache: RedisCache) -> None:
    _, tag_versions = await cache.read("song:1", TAGS)
    await cache.keep("song:1", tag_versions, b"old", 600)
    await redis.delete("tag:songs")
    assert (await cache.read("song:1", TAGS))[0] is None


async def test_readers_who_come_first_together_agree_on_a_generation(redis: Redis, cache: RedisCache) -> None:
    seen = await asyncio.gather(*(cache.read("song:1", TAGS) for _ in range(20)))
    assert len({tag_versions for _, tag_versions in seen}) == 1


async def test_everything_in_redis_has_an_end(redis: Redis, cache: RedisCache) -> None:
    _, tag_versions = await cache.read("song:1", TAGS)
    await cache.keep("song:1", tag_versions, b"song", 600)
    await cache.renew(["albums"])
    ends = {str(name, "ascii"): await redis.ttl(name) async for name in redis.scan_iter()}
    assert ends.keys() == {"song:1", "tag:everything", "tag:songs", "tag:albums"}
    assert 590 <= ends.pop("song:1") <= 600
    assert all(TAG_VERSION_SECONDS - 10 <= seconds <= TAG_VERSION_SECONDS for seconds in ends.values())


class Silent:
    """Takes connections and never says a word."""

    def __init__(self) -> None:
        self.connections = 0
        self.url = ""


@asynccontextmanager
async def silent() -> AsyncIterator[Silent]:
    found = Silent()
    writers = []

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.connections += 1
        writers.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    found.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    try:
        yield found
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()


async def test_a_redis_that_hangs_is_asked_a_few_times_and_then_left_alone() -> None:
    async with silent() as server, open_redis_cache(server.url, timeout_seconds=0.02) as cache:
        for _ in range(50):
            with pytest.raises(CacheDownError):
                await cache.read("song:1", TAGS)
        assert 1 <= server.connections < 10


async def test_what_is_made_stale_is_told_even_to_a_redis_that_is_left_alone() -> None:
    async with silent() as server, open_redis_cache(server.url, timeout_seconds=0.02) as cache:
        for _ in range(10):
            with pytest.raises(CacheDownError):
                await cache.read("song:1", TAGS)
        before = server.connections
        with pytest.raises(CacheDownError):
            await cache.renew(["songs"])
        assert server.connections > before


@asynccontextmanager
async def far_away(port: int, seconds: float) -> AsyncIterator[int]:
    """A port that leads to `port`; whatever is sent arrives `seconds` later, either way."""
    handling: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(seconds)
            writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(carry(reader, there_writer), carry(there_reader, writer))
        finally:
            there_writer.close()
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling.add(asyncio.ensure_future(relay(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in handling:
            each.cancel()
        await asyncio.gather(*handling, return_exceptions=True)
        await server.wait_closed()


async def test_a_redis_so_far_away_that_connecting_takes_longer_than_a_reply_may_is_used(
    redis: Redis, port: int
) -> None:
    async with (
        asyncio.timeout(20),
        far_away(port, 0.15) as distant,
        open_redis_cache(f"redis://127.0.0.1:{distant}/0", timeout_seconds=0.5) as cache,
    ):
        with pytest.raises(CacheDownError):
            await cache.ping()
        kept = None
        while kept is None:
            try:
                kept, tag_versions = await cache.read("song:1", TAGS)
                if kept is None:
                    await cache.keep("song:1", tag_versions, b"a song", 600)
            except CacheDownError:
                await asyncio.sleep(0.05)
        assert kept == b"a song"


async def test_at_the_end_nothing_is_left_of_what_was_not_waited_for() -> None:
    async with silent() as server:
        async with open_redis_cache(server.url, timeout_seconds=0.02) as cache:
            before = asyncio.all_tasks()
            for _ in range(3):
                with pytest.raises(CacheDownError):
                    await cache.renew(["songs"])
            assert asyncio.all_tasks() - before
        assert not asyncio.all_tasks() - before


async def test_where_there_is_no_redis_every_call_says_so() -> None:
    async with silent() as server:
        url = server.url
    async with open_redis_cache(url, timeout_seconds=1) as cache:
        for call in (
            cache.read("song:1", TAGS),
            cache.keep("song:1", ("a", "b"), b"", 1),
            cache.renew(["songs"]),
            cache.ping(),
        ):
            with pytest.raises(CacheDownError):
                await call
