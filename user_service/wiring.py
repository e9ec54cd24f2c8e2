"""What the user service talks to, built from settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.access.delegation import Delegation, SessionOrDelegation
from shared.access.guards import Access
from shared.audit import AuditRepository
from shared.cache.read_through import open_read_through
from shared.cache.redis import open_redis_store
from shared.cache.writes import writing
from shared.http.health import remembered
from shared.ports import Database
from shared.providers.clerk import open_clerk, open_keys, token_verifier
from user_service.administration import Administration
from user_service.caching import Invalidation
from user_service.clerk import ClerkIdentityProvider
from user_service.dependencies import Resources
from user_service.directory import OwnUserDirectory
from user_service.ports import UserRepository
from user_service.registration import Registrar
from user_service.settings import UserSettings


@dataclass(frozen=True, slots=True)
class Stores:
    """What the user service keeps."""

    database: Database
    users: UserRepository
    audit: AuditRepository


OpenStores = Callable[[], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def assemble(settings: UserSettings, open_stores: OpenStores) -> AsyncIterator[Resources]:
    """The providers and the store, put together."""
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        stores = await opened(open_stores())
        redis = await opened(
            open_redis_store(settings.redis_url.get_secret_value(), settings.cache_timeout_seconds)
        )
        cache = await opened(open_read_through(redis, settings.cache_memory_bytes))
        writes = await opened(writing())
        clerk = await opened(open_clerk(settings))
        keys = await opened(open_keys(clerk))
        delegation = Delegation(settings.signing_secret)
        verifier = SessionOrDelegation(token_verifier(keys, settings), delegation)
        stale = Invalidation(cache)
        yield Resources(
            access=Access(verifier, OwnUserDirectory(stores.users)),
            settings=settings,
            audit=stores.audit,
            users=stores.users,
            registrar=Registrar(
                stores.users, ClerkIdentityProvider(clerk), stale, writes, settings.admin_emails
            ),
            administration=Administration(stores.users, stale, writes),
            probes={
                "database": stores.database.ping,
                "redis": cache.ping,
                "clerk": remembered(keys.ping, settings.provider_probe_seconds),
            },
        )
