"""A Redis that refuses writes: full, read-only after a failover, or failing at its snapshots."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from shared.cache.entry import Entry
from shared.cache.read_through import ReadThrough, open_read_through
from shared.cache.redis import RedisStore, open_redis_store
from shared.cache.store import CacheDownError
from tests.shared.fake_redis import Refusing, fake_redis, refusing
from tests.system.waiting import until

SONG = Entry("song", "song:1", 600, ("songs",))
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
    redis.refused = FULL
    reader.source = b"hidden"
    await writer.cache.invalidate("songs")
    assert [await reader.read() for _ in range(2)] == [b"hidden"] * 2
    redis.refused = set()
    assert await reader.read() == b"hidden"


async def test_read_only_redis_is_not_trusted(redis: Refusing, writer: Process, reader: Process) -> None:
    """Not even by a process that was refused nothing but its heartbeat."""
    redis.refused = READ_ONLY
    reader.source = b"hidden"
    await writer.cache.invalidate("songs")
    assert await reader.read() == b"hidden"
    redis.refused = set()
    await reader.until_used()
    assert await reader.read() == b"hidden"


async def test_refused_heartbeat_ends_the_lease(redis: Refusing, reader: Process) -> None:
    redis.refused = FULL

    async def is_noticed() -> bool:
        loads = reader.loads
        await reader.read()
        return reader.loads == loads + 1

    await until(is_noticed)
    redis.refused = set()
    await reader.until_used()


@pytest.mark.parametrize("refused", [FULL, READ_ONLY], ids=["full", "read-only"])
async def test_refusing_redis_is_unhealthy(redis: Refusing, store: RedisStore, refused: set[bytes]) -> None:
    assert await store.ping()
    redis.refused = refused
    with pytest.raises(CacheDownError):
        await store.ping()


async def test_read_only_redis_cannot_invalidate(redis: Refusing, store: RedisStore) -> None:
    redis.refused = READ_ONLY
    with pytest.raises(CacheDownError):
        await store.renew(["songs"])
