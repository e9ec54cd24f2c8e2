"""The cache on a Redis that works, hangs, or is down."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from shared.cache.entry import Entry
from shared.cache.read_through import open_read_through
from shared.cache.redis import ALIVE_SECONDS, TAG_VERSION_SECONDS, RedisStore, open_redis_store
from shared.cache.store import CacheDownError, version_key
from tests.shared.fake_redis import fake_redis

TAGS = ("everything", "songs")
SONG = Entry("song", "song:1", 600, ("songs",))


async def a_song() -> bytes:
    return b"a song"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a Redis."""
    with fake_redis() as port:
        yield port


@pytest.fixture
async def cache(port: int) -> AsyncIterator[RedisStore]:
    async with open_redis_store(f"redis://127.0.0.1:{port}/0", timeout_seconds=30) as opened:
        yield opened


@pytest.fixture
async def redis(port: int) -> AsyncIterator[Redis]:
    async with Redis(port=port) as opened:
        await opened.flushall()
        yield opened


async def versions(cache: RedisStore) -> list[bytes | None]:
    return list(await cache.get([version_key(tag) for tag in TAGS]))


async def test_stored_bytes_are_found(redis: Redis, cache: RedisStore) -> None:
    value = b"line\nline \xff\x00"
    assert await cache.get(["song:1"]) == [None]
    await cache.keep("song:1", value, 600)
    assert await cache.get(["song:2", "song:1"]) == [None, value]


async def test_invalidated_tags_get_new_versions(redis: Redis, cache: RedisStore) -> None:
    await cache.begin(TAGS)
    before = await versions(cache)
    await cache.begin(TAGS)
    assert await versions(cache) == before
    await cache.renew(["songs"])
    after = await versions(cache)
    assert (after[0], after[1] != before[1], None in before) == (before[0], True, False)


async def test_lost_versions_do_not_come_back(redis: Redis, cache: RedisStore) -> None:
    await cache.begin(TAGS)
    before = await versions(cache)
    await redis.delete("tag:songs")
    await cache.begin(TAGS)
    after = await versions(cache)
    assert (after[0], after[1] != before[1]) == (before[0], True)


async def test_first_readers_agree_on_a_version(redis: Redis, cache: RedisStore) -> None:
    async def begin() -> tuple[bytes | None, ...]:
        await cache.begin(TAGS)
        return tuple(await versions(cache))

    assert len(set(await asyncio.gather(*(begin() for _ in range(20))))) == 1


async def test_everything_in_redis_expires(redis: Redis, cache: RedisStore) -> None:
    await cache.begin(TAGS)
    await cache.keep("song:1", b"song", 600)
    await cache.renew(["albums"])
    await cache.beat()
    await cache.ping()
    ends = {str(name, "ascii"): await redis.ttl(name) async for name in redis.scan_iter()}
    beats = [ends.pop(name) for name in list(ends) if name.startswith("heartbeat:")]
    assert len(beats) == 2
    assert all(0 < seconds <= 60 for seconds in beats)
    assert all(0 < ends.pop(name) <= 2 for name in list(ends) if name.startswith("alive:"))
    assert ends.keys() == {"processes", "song:1", "tag:everything", "tag:songs", "tag:albums"}
    assert 590 <= ends.pop("song:1") <= 600
    assert all(TAG_VERSION_SECONDS - 10 <= seconds <= TAG_VERSION_SECONDS for seconds in ends.values())


async def test_heartbeat_detects_lost_data(redis: Redis, cache: RedisStore) -> None:
    assert [await cache.beat() for _ in range(3)] == [False, True, True]
    await redis.flushall()
    assert [await cache.beat() for _ in range(2)] == [False, True]


async def test_heartbeat_detects_a_restored_snapshot(redis: Redis, cache: RedisStore) -> None:
    await cache.beat()
    name = "".join([name.decode() async for name in redis.scan_iter("heartbeat:*")])
    old = await redis.get(name)
    assert old is not None
    assert await cache.beat()
    await redis.set(name, old)
    assert not await cache.beat()


async def test_continuity_ends_unless_extended(redis: Redis, cache: RedisStore) -> None:
    assert not await cache.extend_continuity(1)
    await cache.begin(TAGS)
    before = await versions(cache)
    await cache.begin_continuity(1)
    after = await versions(cache)
    assert (after[0] != before[0], after[1]) == (True, before[1])
    assert await cache.extend_continuity(1)
    await asyncio.sleep(1.1)
    assert not await cache.extend_continuity(1)
    assert await versions(cache) == after


async def test_crashed_processes_never_left(redis: Redis, cache: RedisStore, port: int) -> None:
    await cache.beat()
    async with open_redis_store(f"redis://127.0.0.1:{port}/0", timeout_seconds=30) as left:
        await left.beat()
        await left.leave()
    assert await cache.crashed_processes() == []
    async with open_redis_store(f"redis://127.0.0.1:{port}/0", timeout_seconds=30) as killed:
        await killed.beat()
    await asyncio.sleep(ALIVE_SECONDS + 0.1)
    await cache.beat()
    crashed = await cache.crashed_processes()
    assert len(crashed) == 1
    await cache.remove_processes(crashed)
    assert await cache.crashed_processes() == []


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


async def test_hanging_redis_receives_only_heartbeats() -> None:
    """But for its heartbeats, whatever is read meanwhile."""
    async with (
        silent() as server,
        open_redis_store(server.url, timeout_seconds=0.02) as store,
        open_read_through(store) as cache,
    ):
        for _ in range(300):
            assert await cache.read(SONG, a_song) is not None
            await asyncio.sleep(0.002)
        assert 1 <= server.connections < 150


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


async def test_connect_may_exceed_the_reply_timeout(redis: Redis, port: int) -> None:
    async with (
        asyncio.timeout(30),
        far_away(port, 0.15) as distant,
        open_redis_store(f"redis://127.0.0.1:{distant}/0", timeout_seconds=0.5) as cache,
    ):
        with pytest.raises(CacheDownError):
            await cache.members("songs")
        while True:
            try:
                assert await cache.members("songs") == set()
                break
            except CacheDownError:
                await asyncio.sleep(0.05)


async def test_close_ends_all_background_commands() -> None:
    async with silent() as server:
        async with open_redis_store(server.url, timeout_seconds=0.02) as cache:
            before = asyncio.all_tasks()
            for _ in range(3):
                with pytest.raises(CacheDownError):
                    await cache.renew(["songs"])
            assert asyncio.all_tasks() - before
        assert not asyncio.all_tasks() - before


async def test_every_call_raises_without_redis() -> None:
    async with silent() as server:
        url = server.url
    async with open_redis_store(url, timeout_seconds=30) as cache:
        for call in (
            cache.get(["song:1"]),
            cache.keep("song:1", b"", 1),
            cache.begin(["songs"]),
            cache.beat(),
            cache.renew(["songs"]),
            cache.ping(),
        ):
            with pytest.raises(CacheDownError):
                await call


async def test_key_is_added_once_and_removed(redis: Redis, cache: RedisStore) -> None:
    assert await cache.add("key", b"first", 30)
    assert not await cache.add("key", b"second", 30)
    assert await cache.get(["key"]) == [b"first"]
    assert 0 < await redis.ttl("key") <= 30
    await cache.remove("key")
    assert await cache.add("key", b"second", 30)


async def test_key_is_extended_and_never_shortened(redis: Redis, cache: RedisStore) -> None:
    await cache.add("key", b"value", 5)
    await cache.extend("key", 30)
    assert 5 < await redis.ttl("key") <= 30
    await cache.keep("key", b"value", 1000)
    await cache.extend("key", 30)
    assert await redis.ttl("key") > 900
    await cache.extend("missing", 30)
    assert await redis.exists("missing") == 0
