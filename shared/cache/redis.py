"""The cache on Redis, with a short deadline and a breaker. The only importer of redis.

Who is late is not waited for, and not cancelled either: connecting takes several round trips, and to a Redis
that is not next door it would be begun anew for ever. What comes late is harmless: it is kept with the
tag_versions of its time, and a new tag version only makes stale.

A Redis that answers and takes nothing (full, read-only, failing at snapshots) cannot be told what is stale.
Whoever had a write refused believes nothing in it until it takes one.

One in cluster mode is of no use: it refuses to read an entry together with its tag_versions, whose keys are
in several slots.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnectedError
from redis.exceptions import RedisError, ResponseError

from shared import metrics
from shared.breaker import Breaker
from shared.cache.read_through import CacheDownError

CONNECTIONS = 50
SOCKET_SECONDS = 1.0
"""At least, for connecting and for one reply: the end of what is not waited for any more."""

Answer = TypeVar("Answer")

TAG_VERSION_SECONDS = 7 * 24 * 3600
"""How long an unused tag version is remembered: longer than any entry, so that forgetting one is harmless."""

TRIAL = "trial"
"""What is written only to see whether it can be."""

TRIAL_SECONDS = 60


class _RefusedError(CacheDownError):
    """Redis answers, but not to this."""


class RedisCache:
    """Implements shared.cache.read_through.Cache.

    A Redis that hangs is left alone for a while (shared.breaker), but for what is made stale.
    """

    def __init__(self, client: Redis, timeout_seconds: float, breaker: Breaker) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._breaker = breaker
        self._refuses = False
        self._running: set[asyncio.Task[Any]] = set()

    async def read(self, key: str, tags: Sequence[str]) -> tuple[bytes | None, tuple[str, ...]]:
        if self._refuses:
            await self._try_to_write()
        names = [_tag_version_key(tag) for tag in tags]
        found = await self._ask(_many(self._client, [key, *names]))
        kept, tag_versions = found[0], found[1:]
        if None in tag_versions:
            return None, await self._begin_missing(names, tag_versions)
        present = tuple(each.decode() for each in tag_versions if each is not None)
        if kept is None:
            return None, present
        stamp, _, value = kept.partition(b"\n")
        return (value if stamp == _stamp(present) else None), present

    async def _begin_missing(self, names: Sequence[str], found: Sequence[bytes | None]) -> tuple[str, ...]:
        missing = [name for name, value in zip(names, found, strict=True) if value is None]
        await self._ask(self._begin(missing, only_new=True))
        begun = await self._ask(_many(self._client, names))
        if None in begun:
            raise CacheDownError("tag_versions do not stay")
        return tuple(each.decode() for each in begun if each is not None)

    async def keep(self, key: str, tag_versions: Sequence[str], value: bytes, ttl_seconds: int) -> None:
        stamped = _stamp(tag_versions) + b"\n" + value
        await self._ask(cast("Awaitable[object]", self._client.set(key, stamped, ex=ttl_seconds)))

    async def renew(self, tags: Sequence[str]) -> None:
        names = [_tag_version_key(tag) for tag in tags]
        try:
            await self._ask(self._begin(names, only_new=False), even_resting=True)
        except _RefusedError:
            # A full Redis still forgets, and a tag version that is missing is a miss for everybody.
            await self._ask(cast("Awaitable[object]", self._client.delete(*names)), even_resting=True)

    async def _begin(self, names: Sequence[str], *, only_new: bool) -> None:
        async with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.set(name, secrets.token_hex(8), ex=TAG_VERSION_SECONDS, nx=only_new)
            await pipe.execute()

    async def ping(self) -> bool:
        await self._try_to_write(even_resting=True)
        await self._ask(_many(self._client, [TRIAL, _tag_version_key(TRIAL)]), even_resting=True)
        return True

    async def _try_to_write(self, *, even_resting: bool = False) -> None:
        written = cast("Awaitable[object]", self._client.set(TRIAL, b"", ex=TRIAL_SECONDS))
        await self._ask(written, even_resting=even_resting)
        self._refuses = False

    async def _ask(self, command: Awaitable[Answer], *, even_resting: bool = False) -> Answer:
        if not even_resting and not self._breaker.admits():
            _close(command)
            raise CacheDownError
        task = asyncio.ensure_future(command)
        self._running.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait([task], timeout=self._timeout_seconds)
        if not task.done():
            self._failed()
            raise CacheDownError
        try:
            answer = task.result()
        except ResponseError as failure:
            self._refuses = True
            self._failed()
            raise _RefusedError from failure
        except (RedisError, OSError, TimeoutError) as failure:
            self._failed()
            raise CacheDownError from failure
        self._breaker.succeeded()
        return answer

    def _failed(self) -> None:
        metrics.CACHE_FAILURES.inc()
        self._breaker.failed()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen, even when nobody waits for it any more

    async def close(self) -> None:
        """End what nobody waits for any more."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _tag_version_key(tag: str) -> str:
    return f"tag:{tag}"


def _stamp(tag_versions: Sequence[str]) -> bytes:
    return ".".join(tag_versions).encode()


def _many(client: Redis, keys: Sequence[str]) -> Awaitable[list[bytes | None]]:
    return cast("Awaitable[list[bytes | None]]", client.mget(keys))


def _close(command: Awaitable[object]) -> None:
    """Not to be awaited after all."""
    close = getattr(command, "close", None)
    if close is not None:
        close()


@asynccontextmanager
async def open_redis_cache(url: str, timeout_seconds: float) -> AsyncIterator[RedisCache]:
    """A cache on the Redis at `url`; Redis need not be up yet."""
    socket_seconds = max(SOCKET_SECONDS, timeout_seconds * 2)
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=timeout_seconds,
        socket_timeout=socket_seconds,
        socket_connect_timeout=socket_seconds,
        # For connections that a Redis which was started anew knows nothing of.
        retry=Retry(NoBackoff(), 1, supported_errors=(NotConnectedError,)),
    )
    client = Redis.from_pool(pool)
    cache = RedisCache(client, timeout_seconds, Breaker("redis", failures_to_open=3, rest_seconds=0.5))
    try:
        yield cache
    finally:
        await cache.close()
        await client.aclose()
