"""What the song service talks to, built from settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from shared.access.delegation import Delegation, SessionOrDelegation
from shared.access.guards import Access
from shared.access.user_directory import CachedUserDirectory
from shared.audit import AuditRepository
from shared.cache.read_through import open_read_through
from shared.cache.redis import open_redis_store
from shared.cache.writes import Writes, writing
from shared.http.health import remembered
from shared.http.service_client import open_service
from shared.ids import id_in
from shared.media.cleanup import CleanupJournal, InUse, Rollback
from shared.ports import Database, MediaCleanups, MediaRef
from shared.providers.clerk import open_clerk, open_keys, token_verifier
from shared.providers.cloudinary import open_cloudinary
from song_service.albums import HttpAlbums
from song_service.browsing import Browsing
from song_service.caching import Invalidation
from song_service.catalogue import Catalogue, UploadLimits
from song_service.dependencies import Resources
from song_service.discovery import Discovery
from song_service.domain import SongNotFoundError
from song_service.library import Library
from song_service.library_ports import HistoryRepository, LikeRepository, PlayStatistics
from song_service.listening import Listening
from song_service.outbox import Outbox
from song_service.ports import InteractionRepository, SongRepository
from song_service.recombee import open_recombee
from song_service.settings import SongSettings
from song_service.statistics import DailyRollUp, Statistics


@dataclass(frozen=True, slots=True)
class Stores:
    """What the song service keeps."""

    database: Database
    songs: SongRepository
    interactions: InteractionRepository
    media_cleanups: MediaCleanups
    audit: AuditRepository
    likes: LikeRepository
    history: HistoryRepository
    statistics: PlayStatistics


OpenStores = Callable[[], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def assemble(settings: SongSettings, open_stores: OpenStores) -> AsyncIterator[Resources]:
    """The providers, the other services and the stores, put together."""
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        stores = await opened(open_stores())
        redis = await opened(
            open_redis_store(settings.redis_url.get_secret_value(), settings.cache_timeout_seconds)
        )
        cache = await opened(open_read_through(redis, settings.cache_memory_bytes))
        writes = await opened(writing())
        keys = await opened(open_keys(await opened(open_clerk(settings))))
        delegation = Delegation(settings.signing_secret)
        verifier = SessionOrDelegation(token_verifier(keys, settings), delegation)
        media = await opened(open_cloudinary(settings))
        engine = await opened(open_recombee(settings))
        timeout = settings.service_timeout_seconds
        users = await opened(open_service(settings.user_service_url, "user service", timeout))
        albums = await opened(open_service(settings.album_service_url, "album service", timeout))

        stale = Invalidation(cache)
        outbox = await opened(
            Outbox(
                stores.songs, stores.interactions, stores.likes, engine, stale, settings.outbox_poll_seconds
            ).sending()
        )
        await opened(DailyRollUp(stores.statistics).running())
        in_use = media_in_use(stores.songs)
        rollback = unmaking(stores.songs, stale, writes, outbox)
        keeper = await opened(CleanupJournal(stores.media_cleanups, media, in_use, rollback).processing())
        limits = UploadLimits(settings.max_audio_seconds, settings.max_image_pixels)
        yield Resources(
            access=Access(verifier, CachedUserDirectory(users, cache, delegation)),
            settings=settings,
            audit=stores.audit,
            songs=stores.songs,
            browsing=Browsing(stores.songs, cache, settings.whole_list_limit),
            catalogue=Catalogue(
                stores.songs, media, keeper, HttpAlbums(albums), stale, writes, outbox, limits
            ),
            discovery=Discovery(stores.songs, stores.interactions, engine, cache),
            listening=Listening(stores.interactions, outbox),
            library=Library(stores.songs, stores.likes, stores.history, outbox, settings.whole_list_limit),
            statistics=Statistics(stores.songs, stores.likes, stores.statistics),
            probes={
                "database": stores.database.ping,
                "redis": cache.ping,
                "recombee": remembered(engine.ping, settings.provider_probe_seconds),
                "cloudinary": remembered(media.ping, settings.provider_probe_seconds),
            },
        )


def media_in_use(songs: SongRepository) -> InUse:
    """Whether a medium, `songs/{id}/…`, belongs to a song that exists.

    Others are not ours to judge, and count as used.
    """

    async def in_use(media: MediaRef) -> bool:
        song_id = id_in(media.public_id, "songs")
        if song_id is None:
            return True
        try:
            await songs.get(song_id)
        except SongNotFoundError:
            return False
        return True

    return in_use


def unmaking(songs: SongRepository, stale: Invalidation, writes: Writes, outbox: Outbox) -> Rollback:
    """Removes the song that a medium belongs to: its upload was not finished."""

    async def rollback(media: MediaRef) -> None:
        song_id = id_in(media.public_id, "songs")
        if song_id is None:
            return
        with suppress(SongNotFoundError):
            song = await songs.get(song_id)
            async with writes.then(partial(stale.song_changed, song)):
                await songs.remove(song.id)
            outbox.wake()

    return rollback
