"""Redis as one server, behind Sentinels, or as a cluster: implementations of redis_client.Client."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from shared.cache.redis_pipeline import Command, RedisPipeline


class OneKeyCommands:
    """Commands on one key, which are the same for a server and a cluster."""

    def __init__(self, redis: Redis | RedisCluster) -> None:
        self._commands = redis

    @property
    def read_connections(self) -> int:
        return 0

    def _pipeline(self) -> AbstractAsyncContextManager[Any]:
        return cast("AbstractAsyncContextManager[Any]", self._commands.pipeline(transaction=False))

    async def set_in_order(self, entries: Sequence[tuple[str, bytes, int]]) -> None:
        async with self._pipeline() as pipe:
            for key, value, ttl_seconds in entries:
                pipe.set(key, value, ex=ttl_seconds)
            await pipe.execute()

    async def store(self, key: str, value: bytes, ttl_seconds: int) -> None:
        await self._commands.set(key, value, ex=ttl_seconds)

    async def add(self, key: str, value: bytes, ttl_seconds: int) -> bool:
        return bool(await self._commands.set(key, value, ex=ttl_seconds, nx=True))

    async def extend(self, key: str, ttl_seconds: int) -> None:
        await self._commands.expire(key, ttl_seconds, gt=True)

    async def expire(self, key: str, ttl_seconds: int) -> bool:
        return bool(await self._commands.expire(key, ttl_seconds))

    async def add_member(self, key: str, member: str, ttl_seconds: int) -> None:
        async with self._pipeline() as pipe:
            pipe.sadd(key, member)
            pipe.expire(key, ttl_seconds)
            await pipe.execute()

    async def remove_members(self, key: str, members: Sequence[str]) -> None:
        await self._commands.srem(key, *members)

    async def members(self, key: str) -> set[str]:
        found = await cast("Awaitable[set[bytes]]", self._commands.smembers(key))
        return {member.decode() for member in found}


class ServerClient(OneKeyCommands):
    """One server, or the current master behind Sentinels."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self._redis = redis

    async def disconnect(self) -> None:
        pool = self._redis.connection_pool
        await pool.update_active_connections_for_reconnect()  # type: ignore[no-untyped-call]  # of redis
        await pool.disconnect(inuse_connections=False)

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        return cast("list[bytes | None]", await self._redis.mget(keys))

    async def set_many(
        self, values: Mapping[str, bytes], ttl_seconds: int, *, only_new: bool = False
    ) -> None:
        async with self._pipeline() as pipe:
            for key, value in values.items():
                pipe.set(key, value, ex=ttl_seconds, nx=only_new)
            await pipe.execute()

    async def delete_many(self, keys: Sequence[str]) -> None:
        await self._redis.delete(*keys)

    async def increment_many(self, ttl_seconds: Mapping[str, int]) -> Sequence[int]:
        return await _increment(self._pipeline(), ttl_seconds)

    async def exchange(self, key: str, value: bytes, ttl_seconds: int) -> Sequence[bytes | None]:
        return [cast("bytes | None", await self._redis.set(key, value, ex=ttl_seconds, get=True))]


async def _increment(
    pipeline: AbstractAsyncContextManager[Any], ttl_seconds: Mapping[str, int]
) -> Sequence[int]:
    async with pipeline as pipe:
        for key, seconds in ttl_seconds.items():
            pipe.incr(key)
            pipe.expire(key, seconds)
        replies = await pipe.execute()
    return [int(each) for each in replies[::2]]


class ClusterClient(OneKeyCommands):
    """A cluster.

    Keys of one command may be on different nodes: it is sent to all of them at the same time.
    """

    def __init__(self, cluster: RedisCluster) -> None:
        super().__init__(cluster)
        self._cluster = cluster

    async def disconnect(self) -> None:
        """The next command asks anew which node has which slots."""
        await self._cluster.aclose()

    @asynccontextmanager
    async def _pipeline(self) -> AsyncIterator[Any]:
        try:
            async with self._cluster.pipeline(transaction=False) as pipe:
                yield pipe
        except RedisCluster.ERRORS_ALLOW_RETRY:
            # Only a repeated pipeline would have redis-py notice that another node has these slots now.
            await self.disconnect()
            raise

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        async with self._pipeline() as pipe:
            for key in keys:
                pipe.get(key)
            return cast("list[bytes | None]", await pipe.execute())

    async def set_many(
        self, values: Mapping[str, bytes], ttl_seconds: int, *, only_new: bool = False
    ) -> None:
        async with self._pipeline() as pipe:
            for key, value in values.items():
                pipe.set(key, value, ex=ttl_seconds, nx=only_new)
            await pipe.execute()

    async def delete_many(self, keys: Sequence[str]) -> None:
        async with self._pipeline() as pipe:
            for key in keys:
                pipe.delete(key)
            await pipe.execute()

    async def increment_many(self, ttl_seconds: Mapping[str, int]) -> Sequence[int]:
        return await _increment(self._pipeline(), ttl_seconds)

    async def exchange(self, key: str, value: bytes, ttl_seconds: int) -> Sequence[bytes | None]:
        """One key per primary: `key` with a number whose slot is on that primary."""
        await self._cluster.initialize()
        wanted = {node.name for node in self._cluster.get_primaries()}
        names: dict[str, str] = {}
        number = 0
        while len(names) < len(wanted):
            numbered = f"{key}:{number}"
            node = self._cluster.get_node_from_key(numbered)
            if node is not None:
                names.setdefault(node.name, numbered)
            number += 1
        async with self._pipeline() as pipe:
            for numbered in names.values():
                pipe.set(numbered, value, ex=ttl_seconds, get=True)
            return cast("list[bytes | None]", await pipe.execute())


class PipelinedClient(ServerClient):
    """One server, with pipelines for the most frequent commands: reading and setting many keys, counting.

    Whole responses are stored on a connection of their own, or a small command would wait for large ones.
    """

    def __init__(
        self, redis: Redis, reads: RedisPipeline, writes: RedisPipeline, stores: RedisPipeline
    ) -> None:
        super().__init__(redis)
        self._reads = reads
        self._writes = writes
        self._stores = stores

    @property
    def read_connections(self) -> int:
        return self._reads.connections

    async def disconnect(self) -> None:
        for each in (self._reads, self._writes, self._stores):
            each.disconnect()
        await super().disconnect()

    async def store(self, key: str, value: bytes, ttl_seconds: int) -> None:
        await self._stores.run(("SET", key, value, "EX", ttl_seconds))

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        (values,) = await self._reads.read(("MGET", *keys))
        return cast("list[bytes | None]", values)

    async def set_many(
        self, values: Mapping[str, bytes], ttl_seconds: int, *, only_new: bool = False
    ) -> None:
        condition = ("NX",) if only_new else ()
        await self._writes.run(
            *(("SET", key, value, "EX", ttl_seconds, *condition) for key, value in values.items())
        )

    async def increment_many(self, ttl_seconds: Mapping[str, int]) -> Sequence[int]:
        commands: list[Command] = []
        for key, seconds in ttl_seconds.items():
            commands += [("INCR", key), ("EXPIRE", key, seconds)]
        return [int(each) for each in (await self._writes.run(*commands))[::2]]

    async def exchange(self, key: str, value: bytes, ttl_seconds: int) -> Sequence[bytes | None]:
        return await self._writes.run(("SET", key, value, "EX", ttl_seconds, "GET"))
