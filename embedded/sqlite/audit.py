"""The audit log in SQLite."""

import json
import sqlite3
from collections.abc import Sequence

from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase, Value
from shared.audit import KEPT, AuditEntry, Fields
from shared.clock import from_millis, now, to_millis
from shared.http.pagination import Slice

_COLUMNS = "id, created_at, actor_id, action, target_id, fields_before, fields_after"


class SqliteAuditLog:
    """An `AuditRepository`. Entries whose time is up are removed when a new one is stored."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, entry: AuditEntry) -> None:
        row: dict[str, Value] = {
            "id": entry.id,
            "created_at": to_millis(entry.created_at),
            "actor_id": entry.actor_id,
            "action": entry.action,
            "target_id": entry.target_id,
            "fields_before": _to_json(entry.before),
            "fields_after": _to_json(entry.after),
        }
        await self._database.write(statements.insert("audit", row), row)
        expired = statements.delete("audit", ["created_at < :oldest"], "id")
        await self._database.write(expired, {"oldest": _oldest()})

    async def complete(self, entry_id: str, after: Fields | None) -> None:
        statement = statements.update("audit", ["fields_after = :after"], ["id = :id"], "id")
        await self._database.write(statement, {"id": entry_id, "after": _to_json(after)})

    async def remove(self, entry_id: str) -> None:
        await self._database.write(statements.delete("audit", ["id = :id"], "id"), {"id": entry_id})

    async def list(self, target_id: str | None, part: Slice) -> Sequence[AuditEntry]:
        conditions, values = _kept(target_id)
        statement, part_values = statements.page(_COLUMNS, "audit", conditions, part)
        return [_to_entry(row) for row in await self._database.read(statement, {**values, **part_values})]

    async def count(self, target_id: str | None) -> int:
        conditions, values = _kept(target_id)
        ((number,),) = await self._database.read(statements.select("count(*)", "audit", conditions), values)
        return int(number)


def _kept(target_id: str | None) -> tuple[list[str], dict[str, Value]]:
    conditions, values = ["created_at >= :oldest"], dict[str, Value](oldest=_oldest())
    if target_id is not None:
        conditions.append("target_id = :target_id")
        values["target_id"] = target_id
    return conditions, values


def _oldest() -> int:
    return to_millis(now() - KEPT)


def _to_json(fields: Fields | None) -> str | None:
    return None if fields is None else json.dumps(dict(fields))


def _to_entry(row: sqlite3.Row) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        created_at=from_millis(row["created_at"]),
        actor_id=row["actor_id"],
        action=row["action"],
        target_id=row["target_id"],
        before=None if row["fields_before"] is None else json.loads(row["fields_before"]),
        after=None if row["fields_after"] is None else json.loads(row["fields_after"]),
    )
