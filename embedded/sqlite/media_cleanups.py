"""The cleanup journal in SQLite."""

import json
from collections.abc import Sequence
from datetime import datetime

from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase, Values
from shared.clock import to_millis
from shared.ports import JournalEntry, MediaRef

_NAMED = "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:media)"
_PLAN = """
    INSERT INTO media_cleanups (resource_type, public_id, due_at, is_unfinished)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), :due_at, :unfinished
    FROM json_each(:media) WHERE true
    ON CONFLICT (resource_type, public_id)
    DO UPDATE SET due_at = excluded.due_at, is_unfinished = excluded.is_unfinished
"""


class SqliteMediaCleanups:
    """`MediaCleanups`. A claimed entry becomes due again when its lease ends."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def plan(self, media: Sequence[MediaRef], due_at: datetime, *, unfinished: bool = False) -> None:
        values: Values = {
            "media": _to_json(media),
            "due_at": to_millis(due_at),
            "unfinished": int(unfinished),
        }
        await self._database.write(_PLAN, values)

    async def keep(self, media: Sequence[MediaRef]) -> None:
        conditions = [f"(resource_type, public_id) IN ({_NAMED})"]
        statement = statements.delete("media_cleanups", conditions, "public_id")
        await self._database.write(statement, {"media": _to_json(media)})

    async def finish(self, media: Sequence[MediaRef], due_at: datetime) -> bool:
        conditions = [f"(resource_type, public_id) IN ({_NAMED})", "due_at = :due_at"]
        statement = statements.delete("media_cleanups", conditions, "public_id")
        values: Values = {"media": _to_json(media), "due_at": to_millis(due_at)}
        return len(await self._database.write(statement, values)) == len(media)

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> list[JournalEntry]:
        due = statements.select(
            "rowid", "media_cleanups", ["due_at <= :moment"], "ORDER BY due_at LIMIT :limit"
        )
        statement = statements.update(
            "media_cleanups",
            ["due_at = :lease_until"],
            [f"rowid IN ({due})"],
            "public_id, resource_type, is_unfinished",
        )
        values = {"moment": to_millis(moment), "lease_until": to_millis(lease_until), "limit": limit}
        rows = await self._database.write(statement, values)
        return [
            JournalEntry(MediaRef(row["public_id"], row["resource_type"]), bool(row["is_unfinished"]))
            for row in rows
        ]


def _to_json(media: Sequence[MediaRef]) -> str:
    return json.dumps([(medium.resource_type, medium.public_id) for medium in media])
