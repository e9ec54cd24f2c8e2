"""What the album service talks to, built from settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from album_service.browsing import Browsing
from album_service.caching import Invalidation
from album_service.dependencies import Resources
from album_service.domain import AlbumNotFoundError
from album_service.editing import Editing
from album_service.ports import AlbumRepository
from album_service.settings import AlbumSettings
from album_service.songs import HttpSongs
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


@dataclass(frozen=True, slots=True)
class Stores:
    """What the album service keeps."""

    database: Database
    albums: AlbumRepository
    media_cleanups: MediaCleanups
    audit: AuditRepository


OpenStores = Callable[[], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def assemble(settings: AlbumSettings, open_stores: OpenStores) -> AsyncIterator[Resources]:
    """The providers, the other services and the store, put together."""
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
        timeout = settings.service_timeout_seconds
        users = await opened(open_service(settings.user_service_url, "user service", timeout))
        songs = HttpSongs(await opened(open_service(settings.song_service_url, "song service", timeout)))
        in_use = media_in_use(stores.albums)
        stale = Invalidation(cache)
        rollback = unmaking(stores.albums, stale, writes)
        keeper = await opened(CleanupJournal(stores.media_cleanups, media, in_use, rollback).processing())
        yield Resources(
            access=Access(verifier, CachedUserDirectory(users, cache, delegation)),
            settings=settings,
            audit=stores.audit,
            albums=stores.albums,
            browsing=Browsing(stores.albums, songs, cache, settings.whole_list_limit),
            editing=Editing(
                stores.albums,
                songs,
                media,
                keeper,
                stale,
                writes,
                max_image_pixels=settings.max_image_pixels,
                most_songs=settings.max_album_songs,
            ),
            probes={
                "database": stores.database.ping,
                "redis": cache.ping,
                "cloudinary": remembered(media.ping, settings.provider_probe_seconds),
            },
        )


def media_in_use(albums: AlbumRepository) -> InUse:
    """Whether a medium belongs to an album that exists, or is not ours to judge: `albums/{id}/…`."""

    async def in_use(media: MediaRef) -> bool:
        album_id = id_in(media.public_id, "albums")
        if album_id is None:
            return True
        try:
            await albums.get(album_id)
        except AlbumNotFoundError:
            return False
        return True

    return in_use


def unmaking(albums: AlbumRepository, stale: Invalidation, writes: Writes) -> Rollback:
    """Removes the album that a medium belongs to: its upload was not finished."""

    async def rollback(media: MediaRef) -> None:
        album_id = id_in(media.public_id, "albums")
        if album_id is None:
            return
        with suppress(AlbumNotFoundError):
            album = await albums.get(album_id)
            async with writes.then(partial(stale.album_changed, album)):
                await albums.remove(album.id)

    return rollback
