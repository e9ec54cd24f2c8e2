"""Links to albums in SQLite, by the hash of their token."""

from collections.abc import Sequence
from datetime import datetime

from album_service.domain import StoredShare
from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase, Value
from shared.clock import from_millis, to_millis


class SqliteShares:
    """A `ShareRepository`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, share: StoredShare) -> None:
        row: dict[str, Value] = {
            "token_hash": share.token_hash,
            "album_id": share.album_id,
            "created_at": to_millis(share.created_at),
            "expires_at": None if share.expires_at is None else to_millis(share.expires_at),
        }
        await self._database.write(statements.insert("shares", row), row)
        expired = statements.delete("shares", ["expires_at <= :moment"], "token_hash")
        await self._database.write(expired, {"moment": to_millis(share.created_at)})

    async def find(self, token_hash: str, moment: datetime) -> str | None:
        conditions = ["token_hash = :token_hash", "(expires_at IS NULL OR expires_at > :moment)"]
        values: dict[str, Value] = {"token_hash": token_hash, "moment": to_millis(moment)}
        rows = await self._database.read(statements.select("album_id", "shares", conditions), values)
        return str(rows[0]["album_id"]) if rows else None

    async def list(self, album_id: str, limit: int, after: str | None) -> Sequence[StoredShare]:
        conditions = ["album_id = :album_id", "token_hash > :after"]
        values: dict[str, Value] = {"album_id": album_id, "after": after or "", "limit": limit}
        statement = statements.select(
            "token_hash, album_id, created_at, expires_at",
            "shares",
            conditions,
            "ORDER BY token_hash LIMIT :limit",
        )
        return [
            StoredShare(
                row["token_hash"],
                row["album_id"],
                from_millis(row["created_at"]),
                None if row["expires_at"] is None else from_millis(row["expires_at"]),
            )
            for row in await self._database.read(statement, values)
        ]

    async def revoke(self, album_id: str) -> None:
        statement = statements.delete("shares", ["album_id = :album_id"], "token_hash")
        await self._database.write(statement, {"album_id": album_id})
