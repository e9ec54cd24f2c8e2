"""Interactions as MongoDB documents: the history, and the queue for the recommendation engine."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from shared.providers.mongo import (
    ASCENDING,
    DESCENDING,
    Document,
    Index,
    MongoDatabase,
    id_of,
)
from shared.providers.mongo_errors import DuplicateDocumentError
from song_service.domain import Earlier, Interaction, InteractionKind

_OLDEST_FIRST = (("at", ASCENDING), ("_id", ASCENDING))
_LATEST_FIRST = (("at", DESCENDING), ("_id", DESCENDING))

INDEXES = (
    Index([("dedupKey", ASCENDING)], unique=True),
    # Not partial: read in reverse, the same index finds the latest synced one.
    Index([("isSent", ASCENDING), *_OLDEST_FIRST]),
    Index([("at", ASCENDING), ("kind", ASCENDING), ("songId", ASCENDING)]),
)

_LEASED_BY_NOBODY = datetime(1970, 1, 1, tzinfo=UTC)


class MongoInteractions:
    """An `InteractionRepository`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._interactions = database.collection("interactions", INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._interactions.ensure_indexes()

    async def add(self, interaction: Interaction, unless: Earlier | None = None) -> bool:
        if unless is not None:
            condition = {"dedupKey": unless.dedup_key, "at": {"$gt": unless.since}}
            if await self._interactions.find(condition, limit=1, fields=["at"]):
                return False
        try:
            await self._interactions.insert(_to_document(interaction))
        except DuplicateDocumentError:
            return False
        return True

    async def move(self, dedup_keys: Collection[str], until: datetime, at: datetime) -> None:
        moved = {"dedupKey": {"$in": list(dedup_keys)}, "at": {"$lte": until}}
        await self._interactions.change_many(moved, {"$set": {"at": at}})

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[Interaction]:
        claimed = await self._interactions.claim(
            {"isSent": False, "leaseUntil": {"$lte": moment}},
            _OLDEST_FIRST,
            limit,
            {"leaseUntil": lease_until},
        )
        return [to_interaction(document) for document in claimed]

    async def mark_synced(self, interactions: Sequence[Interaction]) -> None:
        ids = [id_of(interaction.id) for interaction in interactions]
        await self._interactions.change_many({"_id": {"$in": ids}}, {"$set": {"isSent": True}})

    async def count_unsynced(self) -> int:
        return await self._interactions.count({"isSent": False})

    async def most_played(self, since: datetime, limit: int) -> Sequence[str]:
        counted = await self._interactions.aggregate(
            [
                {
                    "$match": {
                        "at": {"$gte": since},
                        "kind": {"$in": [InteractionKind.PLAY.value, InteractionKind.COMPLETE.value]},
                    }
                },
                {"$group": {"_id": "$songId", "times": {"$sum": 1}}},
                {"$sort": {"times": DESCENDING, "_id": DESCENDING}},
                {"$limit": limit},
            ]
        )
        return [document["_id"] for document in counted]

    async def latest_listener(self) -> str | None:
        found = await self._interactions.find(
            {"isSent": True}, order=_LATEST_FIRST, limit=1, fields=["userId"]
        )
        return found[0]["userId"] if found else None


def _to_document(interaction: Interaction) -> Document:
    return {
        "_id": id_of(interaction.id),
        "userId": interaction.user_id,
        "songId": interaction.song_id,
        "kind": interaction.kind.value,
        "at": interaction.at,
        "dedupKey": interaction.dedup_key,
        "isSent": False,
        "leaseUntil": _LEASED_BY_NOBODY,
    }


def to_interaction(document: Document) -> Interaction:
    """The interaction that a document of the collection holds."""
    return Interaction(
        id=str(document["_id"]),
        user_id=document["userId"],
        song_id=document["songId"],
        kind=InteractionKind(document["kind"]),
        at=document["at"],
        dedup_key=document["dedupKey"],
    )
