"""The ids of processed webhooks in MongoDB."""

from shared.clock import now
from shared.providers.mongo import DESCENDING, Index, MongoDatabase
from user_service.ports import WEBHOOKS_KEPT

INDEXES = (Index([("processedAt", DESCENDING)], expire_after_seconds=int(WEBHOOKS_KEPT.total_seconds())),)


class MongoProcessedWebhooks:
    """A `ProcessedWebhooks`. MongoDB deletes expired ids (TTL index)."""

    def __init__(self, database: MongoDatabase) -> None:
        self._webhooks = database.collection("processed_webhooks", INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._webhooks.ensure_indexes()

    async def contains(self, message_id: str) -> bool:
        query = {"_id": message_id, "processedAt": {"$gte": now() - WEBHOOKS_KEPT}}
        return await self._webhooks.find_one(query) is not None

    async def add(self, message_id: str) -> None:
        update = {"$set": {"processedAt": now()}}
        await self._webhooks.change_each([({"_id": message_id}, update)], or_insert=True)
