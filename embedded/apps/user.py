"""The user service on SQLite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from embedded.apps import sqlite_file
from embedded.sqlite import schemas
from embedded.sqlite.account_tasks import SqliteAccountTasks
from embedded.sqlite.artist_search import SqliteArtistSearch
from embedded.sqlite.audit import SqliteAuditLog
from embedded.sqlite.database import open_database
from embedded.sqlite.processed_webhooks import SqliteProcessedWebhooks
from embedded.sqlite.users import SqliteUsers
from shared.http.serve import serve
from shared.settings import load
from user_service.app import create_app
from user_service.settings import SERVICE, UserSettings
from user_service.wiring import Stores, assemble


def app() -> ASGIApp:
    """The user service on the file in the environment."""
    settings, path = load(UserSettings), sqlite_file()

    @asynccontextmanager
    async def stores() -> AsyncIterator[Stores]:
        async with open_database(path, schemas.USERS) as database:
            yield Stores(
                database,
                SqliteUsers(database),
                SqliteAuditLog(database),
                SqliteArtistSearch(database),
                SqliteAccountTasks(database),
                SqliteProcessedWebhooks(database),
            )

    return create_app(lambda: assemble(settings, stores))


def run() -> None:
    """Serve it."""
    serve("embedded.apps.user:app", SERVICE, load(UserSettings))
