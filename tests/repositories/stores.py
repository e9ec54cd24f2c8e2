"""Both kinds of store, opened as the services open theirs."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from motor.motor_asyncio import AsyncIOMotorClient

from album_service.ports import AlbumRepository
from album_service.repository import MongoAlbums
from embedded.sqlite import schemas
from embedded.sqlite.albums import SqliteAlbums
from embedded.sqlite.database import open_database
from embedded.sqlite.interactions import SqliteInteractions
from embedded.sqlite.media_cleanups import SqliteMediaCleanups
from embedded.sqlite.songs import SqliteSongs
from embedded.sqlite.users import SqliteUsers
from shared.ports import Database, MediaCleanups
from shared.providers.mongo import open_mongo
from shared.providers.mongo_cleanups import MongoMediaCleanups
from song_service.interactions import MongoInteractions
from song_service.ports import InteractionRepository, SongRepository
from song_service.repository import MongoSongs
from user_service.ports import UserRepository
from user_service.repository import MongoUsers


@dataclass(frozen=True, slots=True)
class Repositories:
    """Every repository there is, on one database."""

    users: UserRepository
    songs: SongRepository
    interactions: InteractionRepository
    albums: AlbumRepository
    cleanups: MediaCleanups
    database: Database


class Store(Protocol):
    """Where a test's data lives; opened anew, it holds what was stored before."""

    def open(self) -> AbstractAsyncContextManager[Repositories]: ...


class SqliteStore:
    """Files in a folder, one for each service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Repositories]:
        async with (
            open_database(self._folder / "users.db", schemas.USERS) as users,
            open_database(self._folder / "songs.db", schemas.SONGS) as songs,
            open_database(self._folder / "albums.db", schemas.ALBUMS) as albums,
        ):
            yield Repositories(
                users=SqliteUsers(users),
                songs=SqliteSongs(songs),
                interactions=SqliteInteractions(songs),
                albums=SqliteAlbums(albums),
                cleanups=SqliteMediaCleanups(songs),
                database=songs,
            )


class MongoStore:
    """A database of its own on a server that others may use too."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._name = f"test_{uuid.uuid4().hex}"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Repositories]:
        async with open_mongo(self._uri, self._name, app_name="tests") as database:
            users, songs = MongoUsers(database), MongoSongs(database)
            interactions, albums = MongoInteractions(database), MongoAlbums(database)
            cleanups = MongoMediaCleanups(database)
            for repository in (users, songs, interactions, albums, cleanups):
                await repository.ensure_indexes()
            yield Repositories(users, songs, interactions, albums, cleanups, database)

    async def drop(self) -> None:
        """Remove everything that was stored."""
        client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(self._uri, timeoutMS=10_000)
        try:
            await client.drop_database(self._name)
        finally:
            client.close()
