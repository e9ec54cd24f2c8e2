"""The stores of the song service in MongoDB."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.providers.mongo import open_mongo
from shared.providers.mongo_audit import MongoAuditLog
from shared.providers.mongo_cleanups import MongoMediaCleanups
from shared.providers.mongo_indexes import building_indexes
from shared.settings import MongoSettings
from song_service.interactions import MongoInteractions
from song_service.likes import MongoLikes
from song_service.play_history import MongoHistory
from song_service.play_statistics import MongoPlayStatistics
from song_service.repository import MongoSongs
from song_service.settings import SERVICE
from song_service.song_search import MongoSongSearch
from song_service.wiring import Stores


@asynccontextmanager
async def open_stores(settings: MongoSettings) -> AsyncIterator[Stores]:
    """MongoDB need not be up yet."""
    async with open_mongo(settings.mongodb_uri.get_secret_value(), "songs_db", SERVICE) as database:
        songs, interactions = MongoSongs(database), MongoInteractions(database)
        cleanups = MongoMediaCleanups(database, "songs")
        audit = MongoAuditLog(database, "song")
        likes, history = MongoLikes(database), MongoHistory(database)
        statistics = MongoPlayStatistics(database)
        search = MongoSongSearch(database)
        async with building_indexes(songs, interactions, cleanups, audit, likes, history, statistics, search):
            yield Stores(database, songs, interactions, cleanups, audit, likes, history, statistics, search)
