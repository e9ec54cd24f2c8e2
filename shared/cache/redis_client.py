"""Redis as one server, behind Sentinels, or as a cluster. The URLs are those of redis_url.py."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from shared.cache.redis_pipeline import address_in, open_pipeline
from shared.cache.redis_topologies import ClusterClient, PipelinedClient, ServerClient
from shared.cache.redis_url import Topology, parse_redis_url

CONNECTIONS: Final = 50
SOCKET_SECONDS: Final = 1.0
"""At least, for connecting and for one reply: the timeout of commands that nothing awaits any more."""


class Client(Protocol):
    """The commands that the cache needs. Each runs for all its keys, in no particular order.

    A write is sent once: Redis may have executed it although its reply was lost, and a second try could
    overwrite a newer version that another process has set in the meantime.
    """

    @property
    def read_connections(self) -> int:
        """How many connections were made for `get_many`; 0: not known."""
        ...

    async def disconnect(self) -> None:
        """Close all connections. The next command connects anew, perhaps to another server."""
        ...

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]: ...

    async def set_many(
        self, values: Mapping[str, bytes], ttl_seconds: int, *, only_new: bool = False
    ) -> None: ...

    async def set_in_order(self, entries: Sequence[tuple[str, bytes, int]]) -> None:
        """Set keys of one slot: key, value and seconds to live of each, the first one first."""
        ...

    async def store(self, key: str, value: bytes, ttl_seconds: int) -> None:
        """Set `key` to a value that may be large."""
        ...

    async def delete_many(self, keys: Sequence[str]) -> None: ...

    async def add(self, key: str, value: bytes, ttl_seconds: int) -> bool:
        """Set `key` unless it exists. Returns whether it was set."""
        ...

    async def extend(self, key: str, ttl_seconds: int) -> None:
        """Extend the time to live of `key`; never shorten it."""
        ...

    async def expire(self, key: str, ttl_seconds: int) -> bool:
        """Set the time to live of `key`. Returns whether it exists."""
        ...

    async def add_member(self, key: str, member: str, ttl_seconds: int) -> None:
        """Add `member` to the set at `key`, and set the time to live of the set."""
        ...

    async def remove_members(self, key: str, members: Sequence[str]) -> None:
        """Remove `members` from the set at `key`."""
        ...

    async def members(self, key: str) -> set[str]:
        """The members of the set at `key`."""
        ...

    async def increment_many(self, ttl_seconds: Mapping[str, int]) -> Sequence[int]:
        """Increment each of these counters and set its time to live. Returns the new values."""
        ...

    async def exchange(self, key: str, value: bytes, ttl_seconds: int) -> Sequence[bytes | None]:
        """Set `key` on every primary. Returns the previous values."""
        ...


@asynccontextmanager
async def open_client(url: str, timeout_seconds: float) -> AsyncIterator[Client]:
    """The client for `url`. Nothing is connected yet.

    Raises:
        ValueError: `url` has none of the forms that redis_url.py names.
    """
    address = parse_redis_url(url)
    seconds = max(SOCKET_SECONDS, timeout_seconds * 2)
    timeouts = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    options: dict[str, Any] = {**timeouts}
    never = Retry(NoBackoff(), 0)
    if address.topology is Topology.SERVER:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=CONNECTIONS, timeout=timeout_seconds, retry=never, **options
        )
        plain = address_in(url)
        async with Redis.from_pool(pool) as redis:
            if plain is None:
                yield ServerClient(redis)
            else:
                async with (
                    open_pipeline(plain, seconds) as reads,
                    open_pipeline(plain, seconds) as writes,
                    open_pipeline(plain, seconds) as stores,
                ):
                    yield PipelinedClient(redis, reads, writes, stores)
        return
    options |= address.credentials
    if address.topology is Topology.CLUSTER:
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        cluster = RedisCluster(
            startup_nodes=nodes,
            ssl=address.has_tls,
            max_connections=CONNECTIONS,
            retry=never,
            **options,
        )
        try:
            yield ClusterClient(cluster)
        finally:
            await cluster.aclose()
        return
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # of redis
        list(address.hosts),
        sentinel_kwargs={"socket_timeout": seconds, "socket_connect_timeout": seconds},
    )
    try:
        async with sentinel.master_for(
            address.master,
            connection_pool_class=SentinelConnectionPool,
            db=address.database,
            ssl=address.has_tls,
            retry=never,
            max_connections=CONNECTIONS,
            **options,
        ) as redis:
            yield ServerClient(redis)
    finally:
        for each in sentinel.sentinels:
            await each.aclose()
