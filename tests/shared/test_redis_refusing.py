"""A Redis that refuses writes: full, read-only after a failover, or failing at its snapshots."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from shared.cache.entry import Entry
from shared.cache.read_through import ReadThrough, open_read_through
from shared.cache.redis import RedisStore, open_redis_store
from shared.cache.store import CacheDownError
from tests.shared.fake_redis import READ_ONLY, Refusing, fake_redis, refusing
from tests.system.waiting import until

SONG = Entry("song", "song:1", 600, ("songs",))
IF_FULL = {b"SET"}
IF_READ_ONLY = {b"SET", b"DEL"}
REDIS_PY = "?health_check_interval=0"
"""With an option in the URL, redis-py is the client for all commands."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with fake_redis() as port:
        yield port


@pytest.fixture
async def redis(port: int) -> AsyncIterator[Refusing]:
    async with refusing(port) as found:
        yield found


@pytest.fixture
async def store(redis: Refusing) -> AsyncIterator[RedisStore]:
    async with open_redis_store(redis.url, timeout_seconds=30) as opened:
        yield opened


@dataclass
class Process:
    """A process with a cache; `source` is what it would load."""

    cache: ReadThrough
    source: bytes = b"shown"
    loads: int = 0

    async def read(self) -> bytes | None:
        content = await self.cache.read(SONG, self._load)
        return None if content is None else content.body

    async def _load(self) -> bytes:
        self.loads += 1
        return self.source

    async def until_used(self) -> None:
        """Until a read comes from the cache."""
        async with asyncio.timeout(30):
            loads = -1
            while loads != self.loads:
                loads = self.loads
                await self.read()
                await asyncio.sleep(0.01)


@pytest.fixture
async def writer(redis: Refusing) -> AsyncIterator[Process]:
    async with open_redis_store(redis.url, timeout_seconds=30) as store, open_read_through(store) as cache:
        yield Process(cache)


@pytest.fixture
async def reader(redis: Refusing, writer: Process) -> AsyncIterator[Process]:
    """Another process; it keeps a song, and both trust Redis."""
    async with open_redis_store(redis.url, timeout_seconds=30) as store, open_read_through(store) as cache:
        found = Process(cache)
        await writer.until_used()
        await found.until_used()
        await writer.until_used()
        yield found


async def test_full_redis_still_invalidates(redis: Refusing, writer: Process, reader: Process) -> None:
    redis.refused = IF_FULL
    reader.source = b"hidden"
    await writer.cache.invalidate("songs")
    assert [await reader.read() for _ in range(2)] == [b"hidden"] * 2
    redis.refused = set()
    assert await reader.read() == b"hidden"


async def test_read_only_redis_is_not_trusted(redis: Refusing, writer: Process, reader: Process) -> None:
    """Not even by a process that was refused nothing but its heartbeat."""
    redis.refused = IF_READ_ONLY
    reader.source = b"hidden"
    await writer.cache.invalidate("songs")
    assert await reader.read() == b"hidden"
    redis.refused = set()
    await reader.until_used()
    assert await reader.read() == b"hidden"


async def test_refused_heartbeat_ends_the_lease(redis: Refusing, reader: Process) -> None:
    redis.refused = IF_FULL

    async def is_noticed() -> bool:
        loads = reader.loads
        await reader.read()
        return reader.loads == loads + 1

    await until(is_noticed)
    redis.refused = set()
    await reader.until_used()


@pytest.mark.parametrize("refused", [IF_FULL, IF_READ_ONLY], ids=["full", "read-only"])
async def test_refusing_redis_is_unhealthy(redis: Refusing, store: RedisStore, refused: set[bytes]) -> None:
    assert await store.ping()
    redis.refused = refused
    with pytest.raises(CacheDownError):
        await store.ping()


async def test_read_only_redis_cannot_invalidate(redis: Refusing, store: RedisStore) -> None:
    redis.refused = IF_READ_ONLY
    with pytest.raises(CacheDownError):
        await store.renew(["songs"])


@pytest.mark.parametrize("options", ["", REDIS_PY])
async def test_server_that_became_a_replica_is_left(redis: Refusing, options: str) -> None:
    """It keeps its connections. A new one may reach the new master, by its name or a proxy."""
    async with open_redis_store(redis.url + options, timeout_seconds=30) as store:
        await store.beat()
        assert await store.beat()
        connections = redis.connections
        redis.refused, redis.error = IF_READ_ONLY, READ_ONLY
        with pytest.raises(CacheDownError):
            await store.beat()
        redis.refused = set()
        assert await store.beat()
        assert redis.connections == 2 * connections


@pytest.mark.parametrize("options", ["", REDIS_PY])
async def test_write_without_a_reply_is_not_repeated(redis: Refusing, options: str) -> None:
    """Redis has executed it, and another process may have written a newer version since."""
    async with open_redis_store(redis.url + options, timeout_seconds=30) as store:
        await store.forget(["counter", "key"])
        redis.unanswered = {b"INCR", b"INCRBY", b"NX"}
        with pytest.raises(CacheDownError):
            await store.increment({"counter": 60})
        with pytest.raises(CacheDownError):
            await store.add("key", b"value", 60)
        redis.unanswered = set()
        assert await store.increment({"counter": 60}) == [2]
        assert not await store.add("key", b"value", 60)
