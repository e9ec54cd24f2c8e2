"""A listener's history, read from the interactions in MongoDB.

Clearing it stores one timestamp for the listener; older plays are not shown. So it takes the same time for
any history, and the interactions still count in the statistics.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from shared.http.pagination import Slice
from shared.providers.mongo import ASCENDING, DESCENDING, Document, Index, MongoDatabase
from song_service.domain import Interaction, InteractionKind, Play
from song_service.interactions import to_interaction

_LATEST_FIRST = (("at", DESCENDING), ("_id", DESCENDING))

INDEXES = (Index([("userId", ASCENDING), ("kind", ASCENDING), *_LATEST_FIRST]),)
CLEARED_INDEXES: Sequence[Index] = ()

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_ALL_KINDS = [kind.value for kind in InteractionKind]


class MongoHistory:
    """A `HistoryRepository`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._interactions = database.collection("interactions", INDEXES)
        self._cleared = database.collection("cleared_histories", CLEARED_INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._interactions.ensure_indexes()
        await self._cleared.ensure_indexes()

    async def plays(self, user_id: str, part: Slice) -> Sequence[Play]:
        found = await self._interactions.page(await self._shown(user_id), part, _LATEST_FIRST)
        return [Play(str(each["_id"]), each["songId"], each["at"]) for each in found]

    async def interactions(
        self, user_id: str, song_ids: Collection[str], since: datetime, until: datetime
    ) -> Sequence[Interaction]:
        query = {
            "userId": user_id,
            "kind": {"$in": _ALL_KINDS},
            "at": {"$gte": since, "$lte": until},
            "songId": {"$in": list(song_ids)},
        }
        return [to_interaction(each) for each in await self._interactions.find(query)]

    async def of_kind(self, user_id: str, kind: InteractionKind, part: Slice) -> Sequence[Interaction]:
        query = {"userId": user_id, "kind": kind.value}
        return [to_interaction(each) for each in await self._interactions.page(query, part, _LATEST_FIRST)]

    async def count_by_song(self, user_id: str) -> Mapping[str, int]:
        counted = await self._interactions.aggregate(
            [{"$match": await self._shown(user_id)}, {"$group": {"_id": "$songId", "plays": {"$sum": 1}}}]
        )
        return {each["_id"]: each["plays"] for each in counted}

    async def clear(self, user_id: str, moment: datetime) -> None:
        await self._cleared.change_one({"_id": user_id}, {"$max": {"until": moment}}, or_insert=True)

    async def cleared_at(self, user_id: str) -> datetime | None:
        cleared = await self._cleared.find_one({"_id": user_id})
        return None if cleared is None else cleared["until"]

    async def remove_of_user(self, user_id: str) -> None:
        await self._interactions.remove_many({"userId": user_id})
        await self._cleared.remove_one({"_id": user_id})

    async def _shown(self, user_id: str) -> Document:
        until = await self.cleared_at(user_id) or _NEVER
        return {"userId": user_id, "kind": InteractionKind.PLAY.value, "at": {"$gt": until}}
