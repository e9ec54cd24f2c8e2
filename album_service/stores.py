"""The stores of the album service in MongoDB."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from album_service.repository import MongoAlbums
from album_service.search import MongoAlbumSearch
from album_service.settings import SERVICE
from album_service.shares import MongoShares
from album_service.wiring import Stores
from shared.providers.mongo import open_mongo
from shared.providers.mongo_audit import MongoAuditLog
from shared.providers.mongo_cleanups import MongoMediaCleanups
from shared.providers.mongo_indexes import building_indexes
from shared.settings import MongoSettings


@asynccontextmanager
async def open_stores(settings: MongoSettings) -> AsyncIterator[Stores]:
    """MongoDB need not be up yet."""
    async with open_mongo(settings.mongodb_uri.get_secret_value(), "albums_db", SERVICE) as database:
        albums, cleanups = MongoAlbums(database), MongoMediaCleanups(database, "albums")
        audit = MongoAuditLog(database, "album")
        search = MongoAlbumSearch(database)
        shares = MongoShares(database)
        async with building_indexes(albums, cleanups, audit, search, shares):
            yield Stores(database, albums, cleanups, audit, search, shares)
