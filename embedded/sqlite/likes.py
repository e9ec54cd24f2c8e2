"""Likes in SQLite, each with its sync state for the recommendation engine."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase, Value
from shared.clock import from_millis, to_millis
from shared.http.pagination import Slice
from shared.ids import new_id
from song_service.domain import Like, LikeChange

_LIKE = """
    INSERT INTO likes (user_id, song_id, liked_at, is_liked, changed_at, change_id)
    VALUES (:user_id, :song_id, :moment, 1, :moment, :change_id)
    ON CONFLICT (user_id, song_id) DO UPDATE SET
        liked_at = excluded.liked_at, is_liked = 1, changed_at = excluded.changed_at,
        change_id = excluded.change_id, is_synced = 0
    WHERE likes.is_liked = 0
    RETURNING song_id
"""
_SONGS = "song_id IN (SELECT value FROM json_each(:song_ids))"
_LATEST_FIRST = "ORDER BY liked_at DESC, song_id DESC LIMIT :limit"
_REPORTED = """
    WITH reported AS (
        SELECT json_extract(value, '$.user_id') AS user_id, json_extract(value, '$.song_id') AS song_id,
               json_extract(value, '$.change_id') AS change_id,
               json_extract(value, '$.leased_until') AS leased_until
        FROM json_each(:reported)
    )
"""
_FORGET_WITHDRAWN = f"""{_REPORTED}
    DELETE FROM likes
    WHERE is_liked = 0 AND (user_id, song_id, change_id) IN (SELECT user_id, song_id, change_id FROM reported)
"""  # noqa: S608 - put together from constants
# Only the lease that the change was claimed with ends; a later change stays unsynced.
_MARK_SYNCED = f"""{_REPORTED}
    UPDATE likes SET
        is_synced = (likes.change_id = reported.change_id),
        leased_until = iif(likes.leased_until = reported.leased_until, 0, likes.leased_until)
    FROM reported WHERE likes.user_id = reported.user_id AND likes.song_id = reported.song_id
"""  # noqa: S608 - put together from constants


class SqliteLikes:
    """A `LikeRepository`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def like(self, user_id: str, song_id: str, moment: datetime) -> bool:
        values: dict[str, Value] = {"user_id": user_id, "song_id": song_id, "moment": to_millis(moment)}
        return bool(await self._database.write(_LIKE, {**values, "change_id": new_id()}))

    async def unlike(self, user_id: str, song_id: str, moment: datetime) -> bool:
        statement = statements.update(
            "likes",
            ["is_liked = 0", "changed_at = :moment", "change_id = :change_id", "is_synced = 0"],
            ["user_id = :user_id", "song_id = :song_id", "is_liked = 1"],
            "song_id",
        )
        values: dict[str, Value] = {"user_id": user_id, "song_id": song_id, "moment": to_millis(moment)}
        return bool(await self._database.write(statement, {**values, "change_id": new_id()}))

    async def list(self, user_id: str, part: Slice) -> Sequence[Like]:
        conditions = ["user_id = :user_id", "is_liked = 1"]
        values: dict[str, Value] = {"user_id": user_id, "limit": part.limit}
        if part.after is not None:
            conditions.append("(liked_at, song_id) < (:after_at, :after_id)")
            values["after_at"] = to_millis(part.after.created_at)
            values["after_id"] = part.after.id.lower()
        statement = statements.select("user_id, song_id, liked_at", "likes", conditions, _LATEST_FIRST)
        rows = await self._database.read(statement, values)
        return [Like(row["user_id"], row["song_id"], from_millis(row["liked_at"])) for row in rows]

    async def liked_among(self, user_id: str, song_ids: Collection[str]) -> Collection[str]:
        conditions = ["user_id = :user_id", _SONGS, "is_liked = 1"]
        values: dict[str, Value] = {"user_id": user_id, "song_ids": json.dumps(list(song_ids))}
        rows = await self._database.read(statements.select("song_id", "likes", conditions), values)
        return {row["song_id"] for row in rows}

    async def count_by_song(self, song_ids: Collection[str], since: datetime) -> Mapping[str, int]:
        statement = statements.select(
            "song_id, count(*) AS likes", "likes", [_SONGS, "is_liked = 1", "liked_at >= :since"]
        )
        values: dict[str, Value] = {"song_ids": json.dumps(list(song_ids)), "since": to_millis(since)}
        rows = await self._database.read(f"{statement} GROUP BY song_id", values)
        return {row["song_id"]: row["likes"] for row in rows}

    async def remove_of_song(self, song_id: str) -> None:
        statement = statements.delete("likes", ["song_id = :song_id"], "song_id")
        await self._database.write(statement, {"song_id": song_id})

    async def remove_of_user(self, user_id: str) -> None:
        statement = statements.delete("likes", ["user_id = :user_id"], "song_id")
        await self._database.write(statement, {"user_id": user_id})

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[LikeChange]:
        free = statements.select(
            "user_id, song_id",
            "likes",
            ["is_synced = 0", "leased_until <= :moment"],
            "ORDER BY changed_at, song_id, user_id LIMIT :limit",
        )
        statement = statements.update(
            "likes",
            ["leased_until = :lease_until"],
            [f"(user_id, song_id) IN ({free})"],
            "user_id, song_id, is_liked, changed_at, change_id",
        )
        values = {"moment": to_millis(moment), "lease_until": to_millis(lease_until), "limit": limit}
        rows = await self._database.write(statement, values)
        oldest_first = sorted(rows, key=lambda row: (row["changed_at"], row["song_id"], row["user_id"]))
        return [_to_change(row, lease_until) for row in oldest_first]

    async def mark_synced(self, changes: Sequence[LikeChange]) -> None:
        reported = [
            {
                "user_id": each.user_id,
                "song_id": each.song_id,
                "change_id": each.change_id,
                "leased_until": to_millis(each.leased_until) if each.leased_until else None,
            }
            for each in changes
        ]
        for statement in (_FORGET_WITHDRAWN, _MARK_SYNCED):
            await self._database.write(statement, {"reported": json.dumps(reported)})

    async def count_unsynced(self) -> int:
        rows = await self._database.read(statements.select("count(*)", "likes", ["is_synced = 0"]))
        return int(rows[0][0])


def _to_change(row: sqlite3.Row, leased_until: datetime) -> LikeChange:
    return LikeChange(
        user_id=row["user_id"],
        song_id=row["song_id"],
        is_liked=bool(row["is_liked"]),
        at=from_millis(row["changed_at"]),
        change_id=row["change_id"],
        leased_until=leased_until,
    )
