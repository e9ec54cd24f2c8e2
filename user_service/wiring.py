"""Builds the resources of the user service from its settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.access.guards import Access
from shared.audit import AuditRepository, AuditTrail
from shared.http.health import cached_probe
from shared.http.service_client import open_service
from shared.infrastructure import open_infrastructure
from shared.ports import Database
from shared.search_upkeep import SearchUpkeep
from shared.spelling import Vocabulary
from user_service.account_tasks import AccountTaskRepository
from user_service.accounts import Accounts, OtherServices, QueuedNames, Steps, account_queue
from user_service.administration import Administration
from user_service.caching import Invalidation
from user_service.clerk import ClerkIdentityProvider
from user_service.dependencies import Resources
from user_service.directory import OwnUserDirectory
from user_service.export import Export
from user_service.own_account import OwnAccount
from user_service.ports import ProcessedWebhooks, UserRepository
from user_service.profiles import Profiles
from user_service.registration import Registrar
from user_service.search_ports import ArtistSearch
from user_service.searching import PeopleSearching
from user_service.settings import UserSettings
from user_service.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of the user service."""

    database: Database
    users: UserRepository
    audit: AuditRepository
    search: ArtistSearch
    account_tasks: AccountTaskRepository
    processed_webhooks: ProcessedWebhooks


OpenStores = Callable[[], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def assemble(settings: UserSettings, open_stores: OpenStores) -> AsyncIterator[Resources]:
    """The providers and the store, put together."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        stores = await enter(open_stores())
        shared = await enter(open_infrastructure(settings))
        invalidation = Invalidation(shared.cache)
        vocabulary = Vocabulary()
        await enter(SearchUpkeep(stores.search, vocabulary).running())
        timeout = settings.service_timeout_seconds
        services = OtherServices(
            await enter(open_service(settings.song_service_url, "song service", timeout)),
            await enter(open_service(settings.album_service_url, "album service", timeout)),
            shared.service_tokens,
        )
        identities = ClerkIdentityProvider(shared.clerk)
        administration = Administration(stores.users, invalidation, shared.writes)
        steps = Steps(stores.users, administration, identities, shared.cache, shared.idempotency, services)
        queue = await enter(account_queue(stores.account_tasks, steps).processing())
        profiles = await enter(
            Profiles(
                stores.users,
                identities,
                invalidation,
                shared.writes,
                QueuedNames(queue),
                shared.marks,
                settings.profile_refresh_seconds,
            ).refreshing()
        )
        accounts = Accounts(queue, administration)
        yield Resources(
            access=Access(shared.verifier, OwnUserDirectory(stores.users), shared.service_tokens),
            idempotency=shared.idempotency,
            settings=settings,
            audit=stores.audit,
            users=stores.users,
            searching=PeopleSearching(stores.search, stores.users, vocabulary),
            own_account=OwnAccount(stores.users, shared.cache, profiles),
            registrar=Registrar(
                stores.users,
                identities,
                profiles,
                invalidation,
                shared.writes,
                settings.admin_emails,
            ),
            administration=administration,
            accounts=accounts,
            webhooks=Webhooks(
                stores.users, stores.processed_webhooks, profiles, accounts, AuditTrail(stores.audit)
            ),
            export=Export(stores.users, stores.audit, services),
            probes={
                "database": stores.database.ping,
                "redis": shared.cache.ping,
                "clerk": cached_probe(shared.clerk_keys.ping, settings.provider_probe_seconds),
            },
        )
