"""Builds the resources of the album service from its settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from album_service.accounts import Accounts
from album_service.arranging import Arranging
from album_service.browsing import Browsing
from album_service.caching import Invalidation
from album_service.collaborating import Collaborating
from album_service.dependencies import Resources
from album_service.editing import Editing, UnfinishedUploads
from album_service.export import Export
from album_service.ports import AlbumRepository, ShareRepository
from album_service.search_ports import AlbumSearch
from album_service.searching import AlbumSearching
from album_service.settings import AlbumSettings
from album_service.sharing import Sharing
from album_service.songs import HttpSongs
from album_service.users import HttpUsers
from album_service.writing import AlbumWrites
from shared.access.guards import Access
from shared.audit import AuditRepository
from shared.http.health import cached_probe
from shared.http.service_client import open_service
from shared.infrastructure import open_infrastructure
from shared.media.cleanup import CleanupJournal
from shared.ports import Database, MediaCleanups
from shared.providers.cloudinary import open_cloudinary
from shared.search_upkeep import SearchUpkeep
from shared.spelling import Vocabulary


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of the album service."""

    database: Database
    albums: AlbumRepository
    media_cleanups: MediaCleanups
    audit: AuditRepository
    search: AlbumSearch
    shares: ShareRepository


OpenStores = Callable[[], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def assemble(settings: AlbumSettings, open_stores: OpenStores) -> AsyncIterator[Resources]:
    """The providers, the other services and the store, put together."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        stores = await enter(open_stores())
        shared = await enter(open_infrastructure(settings))
        media = await enter(open_cloudinary(settings))
        timeout = settings.service_timeout_seconds
        users = await enter(shared.open_user_directory(settings.user_service_url, timeout))
        people = HttpUsers(
            await enter(open_service(settings.user_service_url, "user service", timeout)),
            shared.service_tokens,
            shared.delegation,
        )
        songs = HttpSongs(await enter(open_service(settings.song_service_url, "song service", timeout)))
        invalidation = Invalidation(shared.cache)
        writes = AlbumWrites(shared.writes, invalidation)
        unfinished = UnfinishedUploads(stores.albums, writes)
        journal = await enter(
            CleanupJournal(
                stores.media_cleanups, media, unfinished.is_in_use, unfinished.roll_back
            ).processing()
        )
        vocabulary = Vocabulary()
        await enter(SearchUpkeep(stores.search, vocabulary).running())
        browsing = Browsing(stores.albums, songs, shared.cache, settings.whole_list_limit)
        editing = Editing(
            stores.albums,
            stores.shares,
            media,
            journal,
            writes,
            users,
            max_image_pixels=settings.max_image_pixels,
        )
        collaborating = Collaborating(stores.albums, people, writes)
        yield Resources(
            access=Access(shared.verifier, users, shared.service_tokens),
            idempotency=shared.idempotency,
            settings=settings,
            audit=stores.audit,
            albums=stores.albums,
            browsing=browsing,
            searching=AlbumSearching(stores.search, browsing, vocabulary, settings.whole_list_limit),
            editing=editing,
            arranging=Arranging(stores.albums, songs, writes, most_songs=settings.max_album_songs),
            collaborating=collaborating,
            sharing=Sharing(stores.albums, stores.shares),
            export=Export(stores.albums, stores.shares, songs, people),
            accounts=Accounts(stores.albums, editing, collaborating, writes, invalidation),
            probes={
                "database": stores.database.ping,
                "redis": shared.cache.ping,
                "cloudinary": cached_probe(media.ping, settings.provider_probe_seconds),
            },
        )
