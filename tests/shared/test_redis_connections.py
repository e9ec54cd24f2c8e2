"""The connections of a store to one Redis server, and which of them are trusted."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.cache.redis import RedisStore, open_redis_store
from shared.cache.redis_topologies import PipelinedClient
from shared.cache.store import CacheDownError
from tests.shared.redis_servers import redis_on_a_free_port

LONG = 30.0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with redis_on_a_free_port(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
async def store(port: int) -> AsyncIterator[RedisStore]:
    async with open_redis_store(f"redis://127.0.0.1:{port}", LONG) as opened:
        yield opened


@pytest.fixture
async def redis(port: int) -> AsyncIterator[Redis]:
    async with Redis(port=port) as opened:
        yield opened


async def test_large_values_have_a_connection_of_their_own(redis: Redis, store: RedisStore) -> None:
    before = len(await redis.client_list())
    await store.get(["song:1"])
    await store.begin(["songs"])
    await store.keep("song:1", b"a song", 600)
    assert len(await redis.client_list()) - before == 3


@pytest.mark.parametrize("found", [None, b"an older one"])
async def test_heartbeat_is_read_back(
    store: RedisStore, found: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads have a connection of their own: another server, or a replica that lags, does not have it."""

    async def find(_: PipelinedClient, keys: Sequence[str]) -> Sequence[bytes | None]:
        return [found for _ in keys]

    await store.beat()
    assert await store.beat()
    monkeypatch.setattr(PipelinedClient, "get_many", find)
    with pytest.raises(CacheDownError):
        await store.beat()


async def test_new_connection_is_read_after_a_heartbeat(redis: Redis, store: RedisStore) -> None:
    """It may reach another server, which lost the last writes in a failover."""
    await store.get(["song:1"])
    await store.beat()
    await store.get(["song:1"])
    await redis.client_kill_filter(_type="normal", skipme=True)
    for _ in range(3):
        with pytest.raises(CacheDownError):
            await store.get(["song:1"])
    while True:
        with suppress(CacheDownError):
            assert await store.beat()
            break
    await store.get(["song:1"])


async def test_connection_is_made_anew_without_heartbeats(redis: Redis, store: RedisStore) -> None:
    """For idempotency keys, which have no lease."""
    await store.get(["key"])
    await redis.client_kill_filter(_type="normal", skipme=True)
    assert await store.get(["key"]) == [None]


async def test_heartbeat_that_fails_halfway_detects_lost_data(
    redis: Redis, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise TimeoutError

    await store.beat()
    await redis.flushall()
    with monkeypatch.context() as patch:
        patch.setattr(PipelinedClient, "add_member", fail)
        with pytest.raises(CacheDownError):
            await store.beat()
    assert [await store.beat() for _ in range(2)] == [False, True]


async def test_heartbeat_that_timed_out_may_run_later(
    redis: Redis, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def exchange(self: PipelinedClient, *arguments: Any) -> Sequence[bytes | None]:
        await run(self, *arguments)
        raise TimeoutError

    await store.beat()
    run = PipelinedClient.exchange
    with monkeypatch.context() as patch:
        patch.setattr(PipelinedClient, "exchange", exchange)
        with pytest.raises(CacheDownError):
            await store.beat()
    assert await store.beat()
