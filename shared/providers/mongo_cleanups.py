"""The cleanup journal in MongoDB."""

from collections.abc import Sequence
from datetime import datetime

from shared.ports import JournalEntry, MediaRef
from shared.providers.mongo import ASCENDING, Index, MongoDatabase

INDEXES = (Index([("dueAt", ASCENDING)]),)


class MongoMediaCleanups:
    """`MediaCleanups`. A claimed entry becomes due again when its lease ends.

    Only entries of media in `folder` are claimed: services that share a database would otherwise process each
    other's entries.
    """

    def __init__(self, database: MongoDatabase, folder: str) -> None:
        self._entries = database.collection("media_cleanups", INDEXES)
        self._folder = folder

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._entries.ensure_indexes()

    async def plan(self, media: Sequence[MediaRef], due_at: datetime, *, unfinished: bool = False) -> None:
        # Moving an entry revokes a claim whose owner has not read it yet.
        await self._entries.change_each(
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
        await self._entries.remove_many({"_id": {"$in": [_key(medium) for medium in media]}})

    async def finish(self, media: Sequence[MediaRef], due_at: datetime) -> bool:
        # A concurrent claim has moved `dueAt`, or no longer finds the entry.
        wanted = {"_id": {"$in": [_key(medium) for medium in media]}, "dueAt": due_at}
        return await self._entries.remove_many(wanted) == len(media)

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> list[JournalEntry]:
        due = {"dueAt": {"$lte": moment}, "publicId": {"$regex": f"^{self._folder}/"}}
        claimed = await self._entries.claim(due, [("dueAt", ASCENDING)], limit, {"dueAt": lease_until})
        # Entries of earlier versions never belong to an unfinished upload.
        return [
            JournalEntry(MediaRef(entry["publicId"], entry["resourceType"]), entry.get("unfinished", False))
            for entry in claimed
        ]


def _key(medium: MediaRef) -> str:
    return f"{medium.resource_type}/{medium.public_id}"
