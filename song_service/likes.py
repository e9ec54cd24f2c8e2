"""Likes as MongoDB documents, each with its sync state for the recommendation engine.

One document for each listener and song. A withdrawn like stays, `isLiked` false, until the engine has
received that. `changeId` identifies the latest change: a report about an earlier one leaves it unsynced.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from shared.http.pagination import Slice
from shared.ids import new_id
from shared.providers.mongo import ASCENDING, DESCENDING, Document, Index, MongoDatabase
from shared.providers.mongo_errors import DuplicateDocumentError
from song_service.domain import Like, LikeChange

_LATEST_FIRST = (("likedAt", DESCENDING), ("songId", DESCENDING))
_OLDEST_CHANGE_FIRST = (("changedAt", ASCENDING), ("_id", ASCENDING))

INDEXES = (
    Index([("userId", ASCENDING), ("isLiked", ASCENDING), *_LATEST_FIRST]),
    Index([("songId", ASCENDING), ("isLiked", ASCENDING), ("likedAt", ASCENDING)]),
    Index([("isSynced", ASCENDING), *_OLDEST_CHANGE_FIRST], only={"isSynced": False}),
)

_LEASED_BY_NOBODY = datetime(1970, 1, 1, tzinfo=UTC)


class MongoLikes:
    """A `LikeRepository`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._likes = database.collection("likes", INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._likes.ensure_indexes()

    async def like(self, user_id: str, song_id: str, moment: datetime) -> bool:
        change = {"isLiked": True, "likedAt": moment, **_change(moment)}
        begin = {"userId": user_id, "songId": song_id, "leaseUntil": _LEASED_BY_NOBODY}
        try:
            await self._likes.change_one(
                {"_id": _key(user_id, song_id), "isLiked": False},
                {"$set": change, "$setOnInsert": begin},
                or_insert=True,
            )
        except DuplicateDocumentError:  # it is there, and is liked
            return False
        return True

    async def unlike(self, user_id: str, song_id: str, moment: datetime) -> bool:
        query = {"_id": _key(user_id, song_id), "isLiked": True}
        changed = await self._likes.change_one(query, {"$set": {"isLiked": False, **_change(moment)}})
        return changed is not None

    async def list(self, user_id: str, part: Slice) -> Sequence[Like]:
        query = {"userId": user_id, "isLiked": True}
        found = await self._likes.page(query, part, _LATEST_FIRST)
        return [Like(each["userId"], each["songId"], each["likedAt"]) for each in found]

    async def liked_among(self, user_id: str, song_ids: Collection[str]) -> Collection[str]:
        keys = [_key(user_id, song_id) for song_id in song_ids]
        found = await self._likes.find({"_id": {"$in": keys}, "isLiked": True}, fields=["songId"])
        return {each["songId"] for each in found}

    async def count_by_song(self, song_ids: Collection[str], since: datetime) -> Mapping[str, int]:
        wanted = {"songId": {"$in": list(song_ids)}, "isLiked": True, "likedAt": {"$gte": since}}
        counted = await self._likes.aggregate(
            [{"$match": wanted}, {"$group": {"_id": "$songId", "likes": {"$sum": 1}}}]
        )
        return {each["_id"]: each["likes"] for each in counted}

    async def remove_of_song(self, song_id: str) -> None:
        await self._likes.remove_many({"songId": song_id})

    async def remove_of_user(self, user_id: str) -> None:
        await self._likes.remove_many({"userId": user_id})

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[LikeChange]:
        claimed = await self._likes.claim(
            {"isSynced": False, "leaseUntil": {"$lte": moment}},
            _OLDEST_CHANGE_FIRST,
            limit,
            {"leaseUntil": lease_until},
        )
        return [_to_change(document, lease_until) for document in claimed]

    async def mark_synced(self, changes: Sequence[LikeChange]) -> None:
        if not changes:
            return
        states: list[tuple[Document, str]] = [
            ({"_id": _key(each.user_id, each.song_id)}, each.change_id) for each in changes
        ]
        present = [{**like, "changeId": change_id} for like, change_id in states]
        stale = [{**like, "changeId": {"$ne": change_id}} for like, change_id in states]
        # Only the lease that the change was claimed with: a later one is another worker's.
        leased = [
            {"_id": _key(each.user_id, each.song_id), "leaseUntil": each.leased_until} for each in changes
        ]
        await self._likes.remove_many({"$or": present, "isLiked": False})
        await self._likes.change_many({"$or": present}, {"$set": {"isSynced": True}})
        # These may have arrived after a later change that another worker sent.
        await self._likes.change_many({"$or": stale}, {"$set": {"isSynced": False}})
        await self._likes.change_many({"$or": leased}, {"$set": {"leaseUntil": _LEASED_BY_NOBODY}})

    async def count_unsynced(self) -> int:
        return await self._likes.count({"isSynced": False})


def _key(user_id: str, song_id: str) -> str:
    return f"{user_id}:{song_id}"


def _change(moment: datetime) -> Document:
    return {"changedAt": moment, "changeId": new_id(), "isSynced": False}


def _to_change(document: Document, leased_until: datetime) -> LikeChange:
    return LikeChange(
        user_id=document["userId"],
        song_id=document["songId"],
        is_liked=document["isLiked"],
        at=document["changedAt"],
        change_id=document["changeId"],
        leased_until=leased_until,
    )
