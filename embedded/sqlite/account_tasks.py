"""The queue of account tasks in SQLite."""

import json
from collections.abc import Sequence
from datetime import datetime

from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase
from shared.clock import to_millis
from user_service.account_tasks import AccountTask, Step

_ADD = """
    INSERT INTO account_tasks (user_id, clerk_id, step, due_at, revision, attempts)
    SELECT :user_id, :clerk_id, value, :due_at, 1, 0 FROM json_each(:steps) WHERE true
    ON CONFLICT (user_id, step)
    DO UPDATE SET due_at = excluded.due_at, revision = revision + 1, attempts = 0
"""
_SAME = ("user_id = :user_id", "step = :step", "revision = :revision")


class SqliteAccountTasks:
    """An `AccountTaskRepository`. A claimed task is one that is due again when its lease ends."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, user_id: str, clerk_id: str, steps: Sequence[Step], due_at: datetime) -> None:
        named = json.dumps([step.value for step in steps])
        await self._database.write(
            _ADD, {"user_id": user_id, "clerk_id": clerk_id, "due_at": to_millis(due_at), "steps": named}
        )

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> Sequence[AccountTask]:
        due = statements.select(
            "rowid", "account_tasks", ["due_at <= :moment"], "ORDER BY due_at LIMIT :limit"
        )
        columns = "user_id, clerk_id, step, revision, attempts"
        statement = statements.update(
            "account_tasks", ["due_at = :lease_until"], [f"rowid IN ({due})"], columns
        )
        values = {"moment": to_millis(moment), "lease_until": to_millis(lease_until), "limit": limit}
        return [
            AccountTask(row["user_id"], row["clerk_id"], Step(row["step"]), row["revision"], row["attempts"])
            for row in await self._database.write(statement, values)
        ]

    async def complete(self, task: AccountTask) -> None:
        await self._database.write(statements.delete("account_tasks", _SAME, "step"), _named(task))

    async def retry(self, task: AccountTask, due_at: datetime) -> None:
        changes = ["due_at = :due_at", "attempts = attempts + 1"]
        statement = statements.update("account_tasks", changes, _SAME, "step")
        await self._database.write(statement, {**_named(task), "due_at": to_millis(due_at)})

    async def count_overdue(self, moment: datetime) -> int:
        overdue = ["(due_at <= :moment OR attempts > 0)"]
        statement = statements.select("count(*)", "account_tasks", overdue)
        rows = await self._database.read(statement, {"moment": to_millis(moment)})
        return int(rows[0][0])


def _named(task: AccountTask) -> dict[str, str | int]:
    return {"user_id": task.user_id, "step": task.step.value, "revision": task.revision}
