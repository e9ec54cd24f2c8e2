"""Builds the resources of the song service from its settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

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
from song_service.accounts import Accounts
from song_service.albums import HttpAlbums
from song_service.browsing import Browsing
from song_service.caching import Invalidation
from song_service.catalogue import Catalogue
from song_service.dependencies import Resources
from song_service.discovery import Discovery
from song_service.export import Export
from song_service.library import Library
from song_service.library_ports import HistoryRepository, LikeRepository, PlayStatistics
from song_service.listening import Listening
from song_service.moving import Moving
from song_service.outbox import Outbox
from song_service.ports import InteractionRepository, SongRepository
from song_service.recombee import open_recombee
from song_service.search_ports import SongSearch
from song_service.searching import Popularity, SongSearching
from song_service.settings import SongSettings
from song_service.statistics import DailyRollUp, Statistics
from song_service.uploading import UnfinishedUploads, Uploading, UploadLimits
from song_service.writing import SongWrites


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of the song service."""

    database: Database
    songs: SongRepository
    interactions: InteractionRepository
    media_cleanups: MediaCleanups
    audit: AuditRepository
    likes: LikeRepository
    history: HistoryRepository
    statistics: PlayStatistics
    search: SongSearch


OpenStores = Callable[[], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def assemble(settings: SongSettings, open_stores: OpenStores) -> AsyncIterator[Resources]:
    """The providers, the other services and the stores, put together."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        stores = await enter(open_stores())
        shared = await enter(open_infrastructure(settings))
        media = await enter(open_cloudinary(settings))
        engine = await enter(open_recombee(settings))
        timeout = settings.service_timeout_seconds
        users = await enter(shared.open_user_directory(settings.user_service_url, timeout))
        albums = HttpAlbums(await enter(open_service(settings.album_service_url, "album service", timeout)))

        invalidation = Invalidation(shared.cache)
        outbox = await enter(
            Outbox(
                stores.songs,
                stores.interactions,
                stores.likes,
                engine,
                invalidation,
                settings.outbox_poll_seconds,
            ).sending()
        )
        await enter(DailyRollUp(stores.statistics).running())
        writes = SongWrites(shared.writes, invalidation, outbox)
        unfinished = UnfinishedUploads(stores.songs, writes)
        journal = await enter(
            CleanupJournal(
                stores.media_cleanups, media, unfinished.is_in_use, unfinished.roll_back
            ).processing()
        )
        moving = Moving(stores.songs, albums, writes)
        vocabulary, popularity = Vocabulary(), Popularity(stores.search, stores.statistics)
        await enter(SearchUpkeep(stores.search, vocabulary, popularity.refresh).running())
        catalogue = Catalogue(stores.songs, journal, moving, writes)
        limits = UploadLimits(settings.max_audio_seconds, settings.max_image_pixels)
        yield Resources(
            access=Access(shared.verifier, users, shared.service_tokens),
            idempotency=shared.idempotency,
            settings=settings,
            audit=stores.audit,
            songs=stores.songs,
            browsing=Browsing(stores.songs, shared.cache, settings.whole_list_limit),
            uploading=Uploading(stores.songs, media, journal, albums, moving, writes, users, limits),
            catalogue=catalogue,
            discovery=Discovery(stores.songs, stores.interactions, engine, shared.cache),
            listening=Listening(stores.interactions, stores.history, outbox),
            library=Library(stores.songs, stores.likes, stores.history, outbox, settings.whole_list_limit),
            searching=SongSearching(stores.search, vocabulary, shared.cache, settings.whole_list_limit),
            statistics=Statistics(stores.songs, stores.likes, stores.statistics),
            export=Export(stores.songs, stores.likes, stores.history),
            accounts=Accounts(
                stores.songs,
                catalogue,
                writes,
                stores.likes,
                stores.history,
                stores.statistics,
                engine,
                invalidation,
            ),
            probes={
                "database": stores.database.ping,
                "redis": shared.cache.ping,
                "recombee": cached_probe(engine.ping, settings.provider_probe_seconds),
                "cloudinary": cached_probe(media.ping, settings.provider_probe_seconds),
            },
        )
