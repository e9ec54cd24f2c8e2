"""The resources of every service besides its stores: Redis, Clerk and the other services."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.access.delegation import Delegation, SessionOrDelegation
from shared.access.service_tokens import ServiceTokens
from shared.access.user_directory import CachedUserDirectory
from shared.access.verified_tokens import VerifiedTokens
from shared.cache.read_through import ReadThrough, open_read_through
from shared.cache.redis import RedisStore, open_redis_store
from shared.cache.writes import Writes, writing
from shared.http.idempotency_keys import KEY_STORE_TIMEOUT_SECONDS, IdempotencyKeys
from shared.http.service_client import open_service
from shared.ports import TokenVerifier
from shared.providers.clerk import ClerkClient, ClerkKeys, open_clerk, open_keys, token_verifier
from shared.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """Opened by `open_infrastructure`, for one process of a service."""

    cache: ReadThrough
    writes: Writes
    clerk: ClerkClient
    clerk_keys: ClerkKeys
    delegation: Delegation
    service_tokens: ServiceTokens
    verifier: TokenVerifier
    marks: RedisStore
    """Redis with a longer timeout than the cache: for what must happen once in all replicas."""

    idempotency: IdempotencyKeys

    @asynccontextmanager
    async def open_user_directory(
        self, url: str, timeout_seconds: float
    ) -> AsyncIterator[CachedUserDirectory]:
        """The user directory, backed by the user service at `url`."""
        async with open_service(url, "user service", timeout_seconds) as users:
            yield CachedUserDirectory(users, self.cache, self.delegation)


@asynccontextmanager
async def open_infrastructure(settings: ServiceSettings) -> AsyncIterator[Infrastructure]:
    """The resources; no server need be up yet."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        redis_url = settings.redis_url.get_secret_value()
        redis = await enter(open_redis_store(redis_url, settings.cache_timeout_seconds))
        cache = await enter(open_read_through(redis, settings.cache_memory_bytes))
        writes = await enter(writing())
        clerk = await enter(open_clerk(settings))
        keys = await enter(open_keys(clerk))
        delegation = Delegation(settings.signing_secret)
        verifier = VerifiedTokens(SessionOrDelegation(token_verifier(keys, settings), delegation))
        marks = await enter(open_redis_store(redis_url, KEY_STORE_TIMEOUT_SECONDS))
        services = ServiceTokens(settings.signing_secret)
        yield Infrastructure(
            cache, writes, clerk, keys, delegation, services, verifier, marks, IdempotencyKeys(marks)
        )
