"""The song service on SQLite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from embedded.apps import sqlite_file
from embedded.sqlite import schemas
from embedded.sqlite.audit import SqliteAuditLog
from embedded.sqlite.database import open_database
from embedded.sqlite.interactions import SqliteInteractions
from embedded.sqlite.likes import SqliteLikes
from embedded.sqlite.media_cleanups import SqliteMediaCleanups
from embedded.sqlite.play_history import SqliteHistory
from embedded.sqlite.play_statistics import SqlitePlayStatistics
from embedded.sqlite.song_search import SqliteSongSearch
from embedded.sqlite.songs import SqliteSongs
from shared.http.serve import serve
from shared.settings import load
from song_service.app import create_app
from song_service.settings import SERVICE, SongSettings
from song_service.wiring import Stores, assemble


def app() -> ASGIApp:
    """The song service on the file in the environment."""
    settings, path = load(SongSettings), sqlite_file()

    @asynccontextmanager
    async def stores() -> AsyncIterator[Stores]:
        async with open_database(path, schemas.SONGS) as database:
            yield Stores(
                database,
                SqliteSongs(database),
                SqliteInteractions(database),
                SqliteMediaCleanups(database),
                SqliteAuditLog(database),
                SqliteLikes(database),
                SqliteHistory(database),
                SqlitePlayStatistics(database),
                SqliteSongSearch(database),
            )

    return create_app(lambda: assemble(settings, stores))


def run() -> None:
    """Serve it."""
    serve("embedded.apps.song:app", SERVICE, load(SongSettings))
