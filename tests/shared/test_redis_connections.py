"""The connections of a store to one Redis server, and which of them are trusted."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from shared.cache.redis import open_redis_store
from shared.cache.redis_topologies import PipelinedClient
from shared.cache.store import CacheDownError
from tests.shared.redis_servers import redis_server
from tests.system.running import free_ports

LONG = 30.0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a Redis."""
    (port,) = free_ports(1)
    with redis_server(tmp_path_factory.mktemp("redis"), port) as _:
        yield port


async def test_large_values_have_a_connection_of_their_own(port: int) -> None:
    url = f"redis://127.0.0.1:{port}"
    async with Redis(port=port) as redis, open_redis_store(url, timeout_seconds=LONG) as store:
        before = len(await redis.client_list())
        await store.get(["song:1"])
        await store.begin(["songs"])
        await store.keep("song:1", b"a song", 600)
        assert len(await redis.client_list()) - before == 3


@pytest.mark.parametrize("found", [None, b"an older one"])
async def test_heartbeat_is_read_back(
    port: int, found: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads have a connection of their own: another server, or a replica that lags, does not have it."""

    async def find(_: PipelinedClient, keys: Sequence[str]) -> Sequence[bytes | None]:
        return [found for _ in keys]

    async with open_redis_store(f"redis://127.0.0.1:{port}", timeout_seconds=LONG) as store:
        await store.beat()
        assert await store.beat()
        monkeypatch.setattr(PipelinedClient, "get_many", find)
        with pytest.raises(CacheDownError):
            await store.beat()


async def test_new_connection_is_read_after_a_heartbeat(port: int) -> None:
    """It may reach another server, which lost the last writes in a failover."""
    async with Redis(port=port) as redis, open_redis_store(f"redis://127.0.0.1:{port}", LONG) as store:
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


async def test_connection_is_made_anew_without_heartbeats(port: int) -> None:
    """For idempotency keys, which have no lease."""
    async with Redis(port=port) as redis, open_redis_store(f"redis://127.0.0.1:{port}", LONG) as store:
        await store.get(["key"])
        await redis.client_kill_filter(_type="normal", skipme=True)
        assert await store.get(["key"]) == [None]
