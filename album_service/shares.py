"""Links to albums as MongoDB documents, by the hash of their token."""

from collections.abc import Sequence
from datetime import datetime

from album_service.domain import StoredShare
from shared.providers.mongo import ASCENDING, Document, Index, MongoDatabase

INDEXES = (
    Index([("albumId", ASCENDING)]),
    # MongoDB deletes expired links; until then `find` ignores them.
    Index([("expiresAt", ASCENDING)], expire_after_seconds=0),
)


class MongoShares:
    """A `ShareRepository`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._shares = database.collection("shares", INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._shares.ensure_indexes()

    async def add(self, share: StoredShare) -> None:
        await self._shares.insert(
            {
                "_id": share.token_hash,
                "albumId": share.album_id,
                "createdAt": share.created_at,
                "expiresAt": share.expires_at,
            }
        )

    async def find(self, token_hash: str, moment: datetime) -> str | None:
        found = await self._shares.find_one({"_id": token_hash})
        if found is None or (found["expiresAt"] is not None and found["expiresAt"] <= moment):
            return None
        return str(found["albumId"])

    async def list(self, album_id: str, limit: int, after: str | None) -> Sequence[StoredShare]:
        query: Document = {"albumId": album_id}
        if after is not None:
            query["_id"] = {"$gt": after}
        found = await self._shares.find(query, order=[("_id", ASCENDING)], limit=limit)
        return [
            StoredShare(each["_id"], each["albumId"], each["createdAt"], each["expiresAt"]) for each in found
        ]

    async def revoke(self, album_id: str) -> None:
        await self._shares.remove_many({"albumId": album_id})
