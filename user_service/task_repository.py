"""The queue of account tasks in MongoDB, one document for each account and step."""

from collections.abc import Sequence
from datetime import datetime

from shared.providers.mongo import ASCENDING, Document, Index, MongoDatabase
from user_service.account_tasks import AccountTask, Step

INDEXES = (Index([("dueAt", ASCENDING)]),)


class MongoAccountTasks:
    """An `AccountTaskRepository`. A claimed task is one that is due again when its lease ends."""

    def __init__(self, database: MongoDatabase) -> None:
        self._tasks = database.collection("account_tasks", INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._tasks.ensure_indexes()

    async def add(self, user_id: str, clerk_id: str, steps: Sequence[Step], due_at: datetime) -> None:
        changes = [
            (
                {"_id": _key(user_id, step)},
                {
                    "$set": {
                        "userId": user_id,
                        "clerkId": clerk_id,
                        "step": step.value,
                        "dueAt": due_at,
                        "attempts": 0,
                        "claim": None,
                    },
                    "$inc": {"revision": 1},
                },
            )
            for step in steps
        ]
        await self._tasks.change_each(changes, or_insert=True)

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> Sequence[AccountTask]:
        due = {"dueAt": {"$lte": moment}}
        claimed = await self._tasks.claim(due, [("dueAt", ASCENDING)], limit, {"dueAt": lease_until})
        return [_to_task(document) for document in claimed]

    async def complete(self, task: AccountTask) -> None:
        done = {"_id": _key(task.user_id, task.step), "revision": task.revision}
        await self._tasks.remove_one(done)

    async def retry(self, task: AccountTask, due_at: datetime) -> None:
        failed = {"_id": _key(task.user_id, task.step), "revision": task.revision}
        await self._tasks.change_one(failed, {"$set": {"dueAt": due_at}, "$inc": {"attempts": 1}})

    async def count_overdue(self, moment: datetime) -> int:
        return await self._tasks.count({"$or": [{"dueAt": {"$lte": moment}}, {"attempts": {"$gt": 0}}]})


def _key(user_id: str, step: Step) -> str:
    return f"{user_id}:{step.value}"


def _to_task(document: Document) -> AccountTask:
    return AccountTask(
        user_id=document["userId"],
        clerk_id=document["clerkId"],
        step=Step(document["step"]),
        revision=document["revision"],
        attempts=document["attempts"],
    )
