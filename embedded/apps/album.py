"""The album service on SQLite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from album_service.app import create_app
from album_service.settings import SERVICE, AlbumSettings
from album_service.wiring import Stores, assemble
from embedded.apps import sqlite_file
from embedded.sqlite import schemas
from embedded.sqlite.album_search import SqliteAlbumSearch
from embedded.sqlite.albums import SqliteAlbums
from embedded.sqlite.audit import SqliteAuditLog
from embedded.sqlite.database import open_database
from embedded.sqlite.media_cleanups import SqliteMediaCleanups
from embedded.sqlite.shares import SqliteShares
from shared.http.serve import serve
from shared.settings import load


def app() -> ASGIApp:
    """The album service on the file in the environment."""
    settings, path = load(AlbumSettings), sqlite_file()

    @asynccontextmanager
    async def stores() -> AsyncIterator[Stores]:
        async with open_database(path, schemas.ALBUMS) as database:
            yield Stores(
                database,
                SqliteAlbums(database),
                SqliteMediaCleanups(database),
                SqliteAuditLog(database),
                SqliteAlbumSearch(database),
                SqliteShares(database),
            )

    return create_app(lambda: assemble(settings, stores))


def run() -> None:
    """Serve it."""
    serve("embedded.apps.album:app", SERVICE, load(AlbumSettings))
