"""The cache on a Redis Cluster, and behind Sentinels."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio.cluster import ClusterNode, NodesManager, RedisCluster
from redis.exceptions import ConnectionError as NotConnectedError

from shared.cache.entry import Entry
from shared.cache.lease import Lease
from shared.cache.read_through import ReadThrough
from shared.cache.redis import RedisStore, open_redis_store
from shared.cache.redis_client import open_client
from shared.cache.store import CacheDownError
from tests.shared.cached_source import Source
from tests.shared.redis_servers import redis_behind_sentinel, redis_cluster

TAGS = [f"song:{number}" for number in range(30)]
ALBUM = Entry("album", "album:1", 600, tuple(TAGS))


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[tuple[int, int]]]:
    """(port, pid) of the three nodes of a cluster."""
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield [(port, process.pid) for port, process in found]


@pytest.fixture(scope="module")
def url(nodes: Sequence[tuple[int, int]]) -> str:
    return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port, _ in nodes)


@asynccontextmanager
async def a_process(url: str) -> AsyncIterator[ReadThrough]:
    """Its lease outlasts the pauses of a busy machine, so that it always answers from its cache."""
    async with open_redis_store(url, timeout_seconds=30) as store:
        lease = Lease(store, lease_seconds=60)
        cache = ReadThrough(store, lease=lease)
        lease.start()
        try:
            yield cache
        finally:
            await cache.close()


async def read(cache: ReadThrough, source: Source) -> bytes | None:
    content = await cache.read(ALBUM, source.load)
    return None if content is None else content.body


async def until_used(cache: ReadThrough, source: Source) -> None:
    async with asyncio.timeout(30):
        requested = -1
        while requested != source.requested:
            requested = source.requested
            await read(cache, source)
            await asyncio.sleep(0.01)


async def check(url: str) -> None:
    """Two processes, one of which invalidates: the other sees it, whatever level it reads."""
    async with a_process(url) as one, a_process(url) as other:
        source = Source(b"old")
        await until_used(one, source)
        await until_used(other, source)
        await until_used(one, source)
        for number, tag in enumerate(TAGS):
            source.value = b"%d" % number
            await one.invalidate(tag)
            assert await read(other, source) == b"%d" % number
            requested = source.requested
            assert await read(one, source) == b"%d" % number
            assert source.requested == requested


async def test_cluster_invalidates_across_slots(url: str) -> None:
    await check(url)


async def test_sentinel_leads_to_the_master(tmp_path: Path) -> None:
    with redis_behind_sentinel(tmp_path, "music") as port:
        await check(f"redis+sentinel://127.0.0.1:{port}/music/0")


async def test_cluster_heartbeat_covers_every_node(nodes: Sequence[tuple[int, int]], url: str) -> None:
    async with open_redis_store(url, timeout_seconds=0.3) as store:
        await until_beating(store)
        for _, pid in nodes:
            os.kill(pid, signal.SIGSTOP)
            try:
                with pytest.raises(CacheDownError):
                    await store.beat()
            finally:
                os.kill(pid, signal.SIGCONT)
            await until_beating(store)


async def until_beating(store: RedisStore) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if await store.beat():
                    return
            except CacheDownError:
                await asyncio.sleep(0.05)


async def test_cluster_heartbeat_detects_one_empty_node(nodes: Sequence[tuple[int, int]], url: str) -> None:
    async with open_redis_store(url, timeout_seconds=30) as store:
        await until_beating(store)
        for port, _ in nodes:
            async with RedisCluster("127.0.0.1", nodes[0][0]) as redis:
                await redis.flushall(target_nodes=redis.get_node("127.0.0.1", port))
            assert not await store.beat()
            assert await store.beat()


async def test_cluster_repeats_no_write(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But the next command reads anew which node has which slots."""
    execute, initialize, initialized = ClusterNode.execute_pipeline, NodesManager.initialize, 0

    async def lose_the_reply(node: ClusterNode, commands: Any) -> bool:
        await execute(node, commands)
        raise NotConnectedError

    async def count(*arguments: Any, **options: Any) -> None:
        nonlocal initialized
        initialized += 1
        await initialize(*arguments, **options)

    monkeypatch.setattr(NodesManager, "initialize", count)
    async with open_redis_store(url, timeout_seconds=30) as store:
        await store.forget(["counter"])
        with monkeypatch.context() as patch:
            patch.setattr(ClusterNode, "execute_pipeline", lose_the_reply)
            with pytest.raises(CacheDownError):
                await store.increment({"counter": 60})
        assert initialized == 1
        assert await store.increment({"counter": 60}) == [2]
        assert initialized == 2


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "redis+other://127.0.0.1:1", "redis+cluster://", "redis+sentinel://"]
)
async def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|names no host"):
        async with open_client(url, 1):
            pass
