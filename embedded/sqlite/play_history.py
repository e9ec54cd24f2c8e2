"""A listener's history, read from the interactions in SQLite."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase, Value
from embedded.sqlite.interactions import COLUMNS, to_interaction
from shared.clock import from_millis, to_millis
from shared.http.pagination import Slice
from song_service.domain import Interaction, InteractionKind, Play

_SHOWN = (
    "user_id = :user_id",
    f"kind = '{InteractionKind.PLAY.value}'",
    "at > coalesce((SELECT until FROM cleared_histories WHERE user_id = :user_id), -1)",
)
_ALL_KINDS = "kind IN (" + ", ".join(f"'{kind.value}'" for kind in InteractionKind) + ")"
_CLEAR = """
    INSERT INTO cleared_histories (user_id, until) VALUES (:user_id, :until)
    ON CONFLICT (user_id) DO UPDATE SET until = max(until, excluded.until)
"""


class SqliteHistory:
    """A `HistoryRepository`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def plays(self, user_id: str, part: Slice) -> Sequence[Play]:
        rows = await self._page("id, song_id, at", _SHOWN, {"user_id": user_id}, part)
        return [Play(row["id"], row["song_id"], from_millis(row["at"])) for row in rows]

    async def of_kind(self, user_id: str, kind: InteractionKind, part: Slice) -> Sequence[Interaction]:
        conditions = ("user_id = :user_id", "kind = :kind")
        rows = await self._page(COLUMNS, conditions, {"user_id": user_id, "kind": kind.value}, part)
        return [to_interaction(row) for row in rows]

    async def _page(
        self, columns: str, conditions: Sequence[str], values: Mapping[str, Value], part: Slice
    ) -> list[sqlite3.Row]:
        bound = {**values, "limit": part.limit}
        if part.after is not None:
            conditions = (*conditions, "(at, id) < (:after_at, :after_id)")
            bound |= {"after_at": to_millis(part.after.created_at), "after_id": part.after.id.lower()}
        newest_first = "ORDER BY at DESC, id DESC LIMIT :limit"
        return await self._database.read(
            statements.select(columns, "interactions", conditions, newest_first), bound
        )

    async def interactions(
        self, user_id: str, song_ids: Collection[str], since: datetime, until: datetime
    ) -> Sequence[Interaction]:
        conditions = [
            "user_id = :user_id",
            _ALL_KINDS,
            "at BETWEEN :since AND :until",
            "song_id IN (SELECT value FROM json_each(:song_ids))",
        ]
        values: dict[str, Value] = {
            "user_id": user_id,
            "since": to_millis(since),
            "until": to_millis(until),
            "song_ids": json.dumps(list(song_ids)),
        }
        rows = await self._database.read(statements.select(COLUMNS, "interactions", conditions), values)
        return [to_interaction(row) for row in rows]

    async def count_by_song(self, user_id: str) -> Mapping[str, int]:
        statement = statements.select("song_id, count(*) AS plays", "interactions", _SHOWN)
        rows = await self._database.read(f"{statement} GROUP BY song_id", {"user_id": user_id})
        return {row["song_id"]: row["plays"] for row in rows}

    async def clear(self, user_id: str, moment: datetime) -> None:
        await self._database.write(_CLEAR, {"user_id": user_id, "until": to_millis(moment)})

    async def cleared_at(self, user_id: str) -> datetime | None:
        statement = statements.select("until", "cleared_histories", ["user_id = :user_id"])
        rows = await self._database.read(statement, {"user_id": user_id})
        return from_millis(rows[0]["until"]) if rows else None

    async def remove_of_user(self, user_id: str) -> None:
        for table in ("interactions", "cleared_histories"):
            statement = statements.delete(table, ["user_id = :user_id"], "user_id")
            await self._database.write(statement, {"user_id": user_id})
