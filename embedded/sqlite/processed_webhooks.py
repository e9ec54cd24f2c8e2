"""The ids of processed webhooks in SQLite."""

from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase
from shared.clock import now, to_millis
from user_service.ports import WEBHOOKS_KEPT

_ADD = """
    INSERT INTO processed_webhooks (id, processed_at) VALUES (:id, :processed_at)
    ON CONFLICT (id) DO UPDATE SET processed_at = excluded.processed_at
"""


class SqliteProcessedWebhooks:
    """A `ProcessedWebhooks`. Expired ids are removed when a new one is stored."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def contains(self, message_id: str) -> bool:
        known = statements.select("1", "processed_webhooks", ["id = :id", "processed_at >= :oldest"])
        return bool(await self._database.read(known, {"id": message_id, "oldest": _oldest()}))

    async def add(self, message_id: str) -> None:
        await self._database.write(_ADD, {"id": message_id, "processed_at": to_millis(now())})
        expired = statements.delete("processed_webhooks", ["processed_at < :oldest"], "id")
        await self._database.write(expired, {"oldest": _oldest()})


def _oldest() -> int:
    return to_millis(now() - WEBHOOKS_KEPT)
