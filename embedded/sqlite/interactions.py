"""Interactions in SQLite: the history, and the queue for the recommendation engine."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime

from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase, Value
from shared.clock import from_millis, to_millis
from song_service.domain import Earlier, Interaction, InteractionKind

COLUMNS = "id, user_id, song_id, kind, at, dedup_key"
_ADD = f"""
    INSERT INTO interactions ({COLUMNS}) SELECT :id, :user_id, :song_id, :kind, :at, :dedup_key
    WHERE NOT EXISTS (SELECT 1 FROM interactions WHERE dedup_key = :earlier_key AND at > :earlier_since)
    ON CONFLICT (dedup_key) DO NOTHING RETURNING id
"""  # noqa: S608 - put together from constants
_MOST_PLAYED = f"""
    SELECT song_id FROM interactions INDEXED BY interactions_played
    WHERE at >= :since AND kind IN ('{InteractionKind.PLAY.value}', '{InteractionKind.COMPLETE.value}')
    GROUP BY song_id ORDER BY count(*) DESC, song_id DESC LIMIT :limit
"""  # noqa: S608 - put together from constants


class SqliteInteractions:
    """An `InteractionRepository`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, interaction: Interaction, unless: Earlier | None = None) -> bool:
        row: dict[str, Value] = {
            "id": interaction.id,
            "user_id": interaction.user_id,
            "song_id": interaction.song_id,
            "kind": interaction.kind.value,
            "at": to_millis(interaction.at),
            "dedup_key": interaction.dedup_key,
        }
        earlier = {
            "earlier_key": None if unless is None else unless.dedup_key,
            "earlier_since": None if unless is None else to_millis(unless.since),
        }
        return bool(await self._database.write(_ADD, {**row, **earlier}))

    async def move(self, dedup_keys: Collection[str], until: datetime, at: datetime) -> None:
        conditions = ["dedup_key IN (SELECT value FROM json_each(:keys))", "at <= :until"]
        values: dict[str, Value] = {
            "keys": json.dumps(list(dedup_keys)),
            "until": to_millis(until),
            "at": to_millis(at),
        }
        await self._database.write(statements.update("interactions", ["at = :at"], conditions, "id"), values)

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[Interaction]:
        free = statements.select(
            "id", "interactions", ["is_sent = 0", "leased_until <= :moment"], "ORDER BY at, id LIMIT :limit"
        )
        statement = statements.update(
            "interactions", ["leased_until = :lease_until"], [f"id IN ({free})"], COLUMNS
        )
        values = {"moment": to_millis(moment), "lease_until": to_millis(lease_until), "limit": limit}
        rows = await self._database.write(statement, values)
        return [to_interaction(row) for row in sorted(rows, key=lambda row: (row["at"], row["id"]))]

    async def mark_synced(self, interactions: Sequence[Interaction]) -> None:
        ids = json.dumps([interaction.id for interaction in interactions])
        conditions = ["id IN (SELECT value FROM json_each(:ids))"]
        await self._database.write(
            statements.update("interactions", ["is_sent = 1"], conditions, "id"), {"ids": ids}
        )

    async def count_unsynced(self) -> int:
        rows = await self._database.read(statements.select("count(*)", "interactions", ["is_sent = 0"]))
        return int(rows[0][0])

    async def most_played(self, since: datetime, limit: int) -> Sequence[str]:
        rows = await self._database.read(_MOST_PLAYED, {"since": to_millis(since), "limit": limit})
        return [row["song_id"] for row in rows]

    async def latest_listener(self) -> str | None:
        statement = statements.select(
            "user_id", "interactions", ["is_sent = 1"], "ORDER BY at DESC, id DESC LIMIT 1"
        )
        rows = await self._database.read(statement)
        return str(rows[0]["user_id"]) if rows else None


def to_interaction(row: sqlite3.Row) -> Interaction:
    """The interaction in a row of `COLUMNS`."""
    return Interaction(
        id=row["id"],
        user_id=row["user_id"],
        song_id=row["song_id"],
        kind=InteractionKind(row["kind"]),
        at=from_millis(row["at"]),
        dedup_key=row["dedup_key"],
    )
