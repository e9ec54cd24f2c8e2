"""Notes of media that may have to be removed, in MongoDB."""

from collections.abc import Sequence
from datetime import datetime

from shared.ports import MediaNote, MediaRef
from shared.providers.mongo import ASCENDING, Index, MongoDatabase

INDEXES = (Index([("dueAt", ASCENDING)]),)


class MongoMediaCleanups:
    """`MediaCleanups`. A claimed note is one that falls due again when its lease ends.

    Only those of media in `folder` are claimed: services that are given one database by the path of their
    URIs would follow, and drop, each other's notes.
    """

    def __init__(self, database: MongoDatabase, folder: str) -> None:
        self._notes = database.collection("media_cleanups", INDEXES)
        self._folder = folder

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._notes.ensure_indexes()

    async def plan(self, media: Sequence[MediaRef], due_at: datetime, *, unfinished: bool = False) -> None:
        # Moving a note takes it from whoever claimed it a moment ago and has not read it yet.
        await self._notes.change_each(
            [
                (
                    {"_id": _key(medium)},
                    {
                        "$set": {
                            "publicId": medium.public_id,
                            "resourceType": medium.resource_type,
                            "dueAt": due_at,
                            "unfinished": unfinished,
                            "claim": None,
                        }
                    },
                )
                for medium in media
            ],
            or_insert=True,
        )

    async def keep(self, media: Sequence[MediaRef]) -> None:
        await self._notes.remove_many({"_id": {"$in": [_key(medium) for medium in media]}})

    async def finish(self, media: Sequence[MediaRef], due_at: datetime) -> bool:
        # A claim of several steps has moved `dueAt`, or finds no note any more.
        wanted = {"_id": {"$in": [_key(medium) for medium in media]}, "dueAt": due_at}
        return await self._notes.remove_many(wanted) == len(media)

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> list[MediaNote]:
        due = {"dueAt": {"$lte": moment}, "publicId": {"$regex": f"^{self._folder}/"}}
        claimed = await self._notes.claim(due, [("dueAt", ASCENDING)], limit, {"dueAt": lease_until})
        # Notes of earlier versions are of no unfinished upload.
        return [
            MediaNote(MediaRef(note["publicId"], note["resourceType"]), note.get("unfinished", False))
            for note in claimed
        ]


def _key(medium: MediaRef) -> str:
    return f"{medium.resource_type}/{medium.public_id}"
