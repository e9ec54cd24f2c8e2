"""Redis as one server, behind Sentinels, or as a cluster: the same few commands, from one URL.

| URL | what |
|---|---|
| `redis://[user:password@]host:6379/0`, `rediss://…` with TLS | one server |
| `redis+sentinel://host:26379,host:26379/master/0` | the current master of that name |
| `redis+cluster://host:6379,host:6379` | a cluster; the hosts are its seed nodes |

`rediss+sentinel` and `rediss+cluster` use TLS. Credentials are those of the server, not of the Sentinels.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnectedError

from shared.cache.redis_pipeline import address_in, open_pipeline
from shared.cache.redis_topologies import ClusterClient, PipelinedClient, ServerClient

CONNECTIONS: Final = 50
SOCKET_SECONDS: Final = 1.0
"""At least, for connecting and for one reply: the timeout of commands that nothing awaits any more."""

SENTINEL_PORT: Final = 26379
REDIS_PORT: Final = 6379


class Client(Protocol):
    """The commands that the cache needs. Each runs for all its keys, in no particular order."""

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
        ValueError: `url` has none of the forms above.
    """
    parts = urlsplit(url)
    seconds = max(SOCKET_SECONDS, timeout_seconds * 2)
    timeouts = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    options: dict[str, Any] = {**timeouts}
    # For connections that a restarted Redis has closed.
    once_more = Retry(NoBackoff(), 1, supported_errors=(NotConnectedError,))
    scheme, _, kind = parts.scheme.partition("+")
    if scheme not in ("redis", "rediss") or kind not in ("", "sentinel", "cluster"):
        raise ValueError("must be redis://, rediss://, redis+sentinel:// or redis+cluster://")
    if kind == "":
        pool = BlockingConnectionPool.from_url(
            url, max_connections=CONNECTIONS, timeout=timeout_seconds, retry=once_more, **options
        )
        address = address_in(url)
        async with Redis.from_pool(pool) as redis:
            if address is None:
                yield ServerClient(redis)
            else:
                async with (
                    open_pipeline(address, seconds) as reads,
                    open_pipeline(address, seconds) as writes,
                    open_pipeline(address, seconds) as stores,
                ):
                    yield PipelinedClient(redis, reads, writes, stores)
        return
    options |= _credentials(parts)
    if kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in _hosts(parts, REDIS_PORT)]
        cluster = RedisCluster(
            startup_nodes=nodes, ssl=scheme == "rediss", max_connections=CONNECTIONS, **options
        )
        try:
            yield ClusterClient(cluster)
        finally:
            await cluster.aclose()
        return
    name, _, database = parts.path.strip("/").partition("/")
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # of redis
        _hosts(parts, SENTINEL_PORT),
        sentinel_kwargs={"socket_timeout": seconds, "socket_connect_timeout": seconds},
    )
    try:
        async with sentinel.master_for(
            name,
            connection_pool_class=SentinelConnectionPool,
            db=int(database or 0),
            ssl=scheme == "rediss",
            retry=once_more,
            max_connections=CONNECTIONS,
            **options,
        ) as redis:
            yield ServerClient(redis)
    finally:
        for each in sentinel.sentinels:
            await each.aclose()


def _hosts(parts: SplitResult, default_port: int) -> list[tuple[str, int]]:
    """`[user:password@]host:port,host:port`: the hosts with their ports."""
    found = []
    for each in parts.netloc.rpartition("@")[2].split(","):
        address = urlsplit(f"//{each}")
        if address.hostname is None:
            raise ValueError("names no host")
        found.append((address.hostname, address.port or default_port))
    return found


def _credentials(parts: SplitResult) -> dict[str, str]:
    given, _, _ = parts.netloc.rpartition("@")
    username, _, password = given.partition(":")
    found = {"username": unquote(username), "password": unquote(password)}
    return {name: value for name, value in found.items() if value}
