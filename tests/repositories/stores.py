"""Both kinds of store, opened as the services open theirs."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from motor.motor_asyncio import AsyncIOMotorClient

from album_service.ports import AlbumRepository, ShareRepository
from album_service.repository import MongoAlbums
from album_service.search import MongoAlbumSearch
from album_service.search_ports import AlbumSearch
from album_service.shares import MongoShares
from embedded.sqlite import schemas
from embedded.sqlite.account_tasks import SqliteAccountTasks
from embedded.sqlite.album_search import SqliteAlbumSearch
from embedded.sqlite.albums import SqliteAlbums
from embedded.sqlite.audit import SqliteAuditLog
from embedded.sqlite.database import open_database
from embedded.sqlite.interactions import SqliteInteractions
from embedded.sqlite.likes import SqliteLikes
from embedded.sqlite.media_cleanups import SqliteMediaCleanups
from embedded.sqlite.play_history import SqliteHistory
from embedded.sqlite.play_statistics import SqlitePlayStatistics
from embedded.sqlite.processed_webhooks import SqliteProcessedWebhooks
from embedded.sqlite.shares import SqliteShares
from embedded.sqlite.song_search import SqliteSongSearch
from embedded.sqlite.songs import SqliteSongs
from embedded.sqlite.users import SqliteUsers
from shared.audit import AuditRepository
from shared.ports import Database, MediaCleanups
from shared.providers.mongo import open_mongo
from shared.providers.mongo_audit import MongoAuditLog
from shared.providers.mongo_cleanups import MongoMediaCleanups
from shared.providers.mongo_indexes import Indexed
from song_service.interactions import MongoInteractions
from song_service.library_ports import HistoryRepository, LikeRepository, PlayStatistics
from song_service.likes import MongoLikes
from song_service.play_history import MongoHistory
from song_service.play_statistics import MongoPlayStatistics
from song_service.ports import InteractionRepository, SongRepository
from song_service.repository import MongoSongs
from song_service.search_ports import SongSearch
from song_service.song_search import MongoSongSearch
from user_service.account_tasks import AccountTaskRepository
from user_service.ports import ProcessedWebhooks, UserRepository
from user_service.processed_webhooks import MongoProcessedWebhooks
from user_service.repository import MongoUsers
from user_service.task_repository import MongoAccountTasks


@dataclass(frozen=True, slots=True)
class SongStore:
    """What the song service keeps."""

    songs: SongRepository
    interactions: InteractionRepository
    cleanups: MediaCleanups
    audit: AuditRepository
    database: Database
    likes: LikeRepository
    history: HistoryRepository
    statistics: PlayStatistics
    search: SongSearch
    indexed: Sequence[Indexed] = ()
    """What builds indexes besides, as `building_indexes` does in a service."""


@dataclass(frozen=True, slots=True)
class AlbumStore:
    """What the album service keeps besides albums."""

    albums: AlbumRepository
    shares: ShareRepository
    search: AlbumSearch


@dataclass(frozen=True, slots=True)
class Repositories:
    """What all services keep."""

    users: UserRepository
    songs: SongRepository
    interactions: InteractionRepository
    albums: AlbumRepository
    cleanups: MediaCleanups
    audit: AuditRepository
    database: Database
    indexed: Sequence[Indexed]


class Store(ABC):
    """Where a test's data lives; reopened, it holds what was stored before."""

    @abstractmethod
    def users(self) -> AbstractAsyncContextManager[UserRepository]: ...

    @abstractmethod
    def account_tasks(self) -> AbstractAsyncContextManager[AccountTaskRepository]: ...

    @abstractmethod
    def processed_webhooks(self) -> AbstractAsyncContextManager[ProcessedWebhooks]: ...

    @abstractmethod
    def songs(self) -> AbstractAsyncContextManager[SongStore]: ...

    @abstractmethod
    def albums(self) -> AbstractAsyncContextManager[AlbumRepository]: ...

    @abstractmethod
    def playlists(self) -> AbstractAsyncContextManager[AlbumStore]: ...

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Repositories]:
        """All of it."""
        async with self.users() as users, self.songs() as kept, self.albums() as albums:
            yield Repositories(
                users,
                kept.songs,
                kept.interactions,
                albums,
                kept.cleanups,
                kept.audit,
                kept.database,
                kept.indexed,
            )


class SqliteStore(Store):
    """Files in a folder, one for each service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def users(self) -> AsyncIterator[UserRepository]:
        async with open_database(self._folder / "users.db", schemas.USERS) as database:
            yield SqliteUsers(database)

    @asynccontextmanager
    async def account_tasks(self) -> AsyncIterator[AccountTaskRepository]:
        async with open_database(self._folder / "users.db", schemas.USERS) as database:
            yield SqliteAccountTasks(database)

    @asynccontextmanager
    async def processed_webhooks(self) -> AsyncIterator[ProcessedWebhooks]:
        async with open_database(self._folder / "users.db", schemas.USERS) as database:
            yield SqliteProcessedWebhooks(database)

    @asynccontextmanager
    async def songs(self) -> AsyncIterator[SongStore]:
        async with open_database(self._folder / "songs.db", schemas.SONGS) as database:
            yield SongStore(
                SqliteSongs(database),
                SqliteInteractions(database),
                SqliteMediaCleanups(database),
                SqliteAuditLog(database),
                database,
                SqliteLikes(database),
                SqliteHistory(database),
                SqlitePlayStatistics(database),
                SqliteSongSearch(database),
            )

    @asynccontextmanager
    async def albums(self) -> AsyncIterator[AlbumRepository]:
        async with open_database(self._folder / "albums.db", schemas.ALBUMS) as database:
            yield SqliteAlbums(database)

    @asynccontextmanager
    async def playlists(self) -> AsyncIterator[AlbumStore]:
        async with open_database(self._folder / "albums.db", schemas.ALBUMS) as database:
            yield AlbumStore(SqliteAlbums(database), SqliteShares(database), SqliteAlbumSearch(database))


class MongoStore(Store):
    """A database of its own on a server that others may use too."""

    def __init__(self, uri: str) -> None:
        # The timeouts of the product are short, and not what these tests are about.
        timeouts = (
            "serverSelectionTimeoutMS=30000&connectTimeoutMS=30000&timeoutMS=60000&waitQueueTimeoutMS=30000"
        )
        self._uri = f"{uri}{'&' if '?' in uri else '?'}{timeouts}"
        self._name = f"test_{uuid.uuid4().hex}"

    @asynccontextmanager
    async def users(self) -> AsyncIterator[UserRepository]:
        async with open_mongo(self._uri, self._name, "tests") as database:
            yield MongoUsers(database)

    @asynccontextmanager
    async def account_tasks(self) -> AsyncIterator[AccountTaskRepository]:
        async with open_mongo(self._uri, self._name, "tests") as database:
            yield MongoAccountTasks(database)

    @asynccontextmanager
    async def processed_webhooks(self) -> AsyncIterator[ProcessedWebhooks]:
        async with open_mongo(self._uri, self._name, "tests") as database:
            yield MongoProcessedWebhooks(database)

    @asynccontextmanager
    async def songs(self) -> AsyncIterator[SongStore]:
        async with open_mongo(self._uri, self._name, "tests") as database:
            likes, history = MongoLikes(database), MongoHistory(database)
            statistics, search = MongoPlayStatistics(database), MongoSongSearch(database)
            yield SongStore(
                MongoSongs(database),
                MongoInteractions(database),
                MongoMediaCleanups(database, "songs"),
                MongoAuditLog(database, "song"),
                database,
                likes,
                history,
                statistics,
                search,
                indexed=(likes, history, statistics, search),
            )

    @asynccontextmanager
    async def albums(self) -> AsyncIterator[AlbumRepository]:
        async with open_mongo(self._uri, self._name, "tests") as database:
            yield MongoAlbums(database)

    @asynccontextmanager
    async def playlists(self) -> AsyncIterator[AlbumStore]:
        async with open_mongo(self._uri, self._name, "tests") as database:
            yield AlbumStore(MongoAlbums(database), MongoShares(database), MongoAlbumSearch(database))

    async def drop(self) -> None:
        """Remove everything that was stored."""
        client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(self._uri, timeoutMS=60_000)
        try:
            await client.drop_database(self._name)
        finally:
            client.close()
