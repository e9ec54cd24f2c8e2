"""The audit log in MongoDB."""

from collections.abc import Sequence

from shared.audit import KEPT, AuditEntry, Fields
from shared.clock import now
from shared.http.pagination import Slice
from shared.providers.mongo import DESCENDING, NEWEST_FIRST, Document, Index, MongoDatabase, id_of

INDEXES = (
    Index([("targetId", DESCENDING), *NEWEST_FIRST]),
    Index(NEWEST_FIRST),
    Index([("createdAt", DESCENDING)], expire_after_seconds=int(KEPT.total_seconds())),
)


class MongoAuditLog:
    """An `AuditRepository`. MongoDB deletes expired entries (TTL index)."""

    def __init__(self, database: MongoDatabase, service: str) -> None:
        self._entries = database.collection(f"{service}_audit", INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._entries.ensure_indexes()

    async def add(self, entry: AuditEntry) -> None:
        await self._entries.insert(
            {
                "_id": id_of(entry.id),
                "createdAt": entry.created_at,
                "actorId": entry.actor_id,
                "action": entry.action,
                "targetId": entry.target_id,
                "before": entry.before,
                "after": entry.after,
            }
        )

    async def complete(self, entry_id: str, after: Fields | None) -> None:
        await self._entries.change_one({"_id": id_of(entry_id)}, {"$set": {"after": after}})

    async def remove(self, entry_id: str) -> None:
        await self._entries.remove_one({"_id": id_of(entry_id)})

    async def list(self, target_id: str | None, part: Slice) -> Sequence[AuditEntry]:
        return [_to_entry(document) for document in await self._entries.page(_kept(target_id), part)]

    async def count(self, target_id: str | None) -> int:
        return await self._entries.count(_kept(target_id))


def _kept(target_id: str | None) -> Document:
    query: Document = {"createdAt": {"$gte": now() - KEPT}}
    if target_id is not None:
        query["targetId"] = target_id
    return query


def _to_entry(document: Document) -> AuditEntry:
    return AuditEntry(
        id=str(document["_id"]),
        created_at=document["createdAt"],
        actor_id=document["actorId"],
        action=document["action"],
        target_id=document["targetId"],
        before=document["before"],
        after=document["after"],
    )
