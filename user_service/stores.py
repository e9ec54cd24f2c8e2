"""The stores of the user service in MongoDB."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.providers.mongo import open_mongo
from shared.providers.mongo_audit import MongoAuditLog
from shared.providers.mongo_indexes import building_indexes
from shared.settings import MongoSettings
from user_service.processed_webhooks import MongoProcessedWebhooks
from user_service.repository import MongoUsers
from user_service.search import MongoArtistSearch
from user_service.settings import SERVICE
from user_service.task_repository import MongoAccountTasks
from user_service.wiring import Stores


@asynccontextmanager
async def open_stores(settings: MongoSettings) -> AsyncIterator[Stores]:
    """MongoDB need not be up yet."""
    async with open_mongo(settings.mongodb_uri.get_secret_value(), "users_db", SERVICE) as database:
        users = MongoUsers(database)
        audit = MongoAuditLog(database, "user")
        search = MongoArtistSearch(database)
        tasks = MongoAccountTasks(database)
        webhooks = MongoProcessedWebhooks(database)
        async with building_indexes(users, audit, search, tasks, webhooks):
            yield Stores(database, users, audit, search, tasks, webhooks)
