"""Webhooks as Clerk sends them: signed, and repeated until they are accepted."""

import asyncio
import json
import sqlite3
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiosqlite
import httpx
import structlog

from embedded.cloud.clerk.accounts import new_id
from embedded.cloud.database import open_database
from user_service.webhook_signature import key_of, sign

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 300.0
POLL_SECONDS = 1.0
TIMEOUT_SECONDS = 15.0
MOST_ATTEMPTS = 60

SCHEMA = """
CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at REAL NOT NULL
)
"""

log = structlog.stdlib.get_logger(__name__)


def now_ms() -> int:
    """Milliseconds since 1970, as Clerk's API gives times."""
    return round(time.time() * 1000)


class Webhooks:
    """Pending messages, stored in one SQLite file. Opened with `async with`.

    Without a `url` none is sent. Messages are sent at the same time, so they can arrive in any order.
    """

    def __init__(self, path: Path, url: str | None, secret: str | None) -> None:
        self._path = path
        self._url = url
        self._key = key_of(secret) if secret else b""
        self._open_connection: aiosqlite.Connection | None = None
        self._sender: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    @property
    def _connection(self) -> aiosqlite.Connection:
        if self._open_connection is None:
            raise RuntimeError("The webhooks are not open")
        return self._open_connection

    async def __aenter__(self) -> Self:
        self._open_connection = await open_database(self._path, SCHEMA, schema_version=1)
        if self._url:
            self._sender = asyncio.create_task(self._send_forever(self._url))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        connection, self._open_connection = self._connection, None
        await connection.close()

    async def send(self, kind: str, data: dict[str, Any]) -> None:
        """Queue an event of this type; it is on disk when this returns."""
        if not self._url:
            return
        body = json.dumps({"type": kind, "object": "event", "data": data, "timestamp": now_ms()})
        statement = "INSERT INTO messages VALUES (?, ?, 0, ?)"
        await self._connection.execute(statement, (new_id("msg"), body, time.time()))
        self._wake.set()

    async def _send_forever(self, url: str) -> None:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as http:
            while True:
                self._wake.clear()
                statement = "SELECT id, body, attempts FROM messages WHERE due_at <= ?"
                due = await self._connection.execute_fetchall(statement, (time.time(),))
                try:
                    await asyncio.gather(*(self._deliver(http, url, *row) for row in due))
                except sqlite3.OperationalError as failure:  # as on a full disk: they are sent again
                    log.warning("webhooks not updated", error=str(failure))
                try:
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def _deliver(
        self, http: httpx.AsyncClient, url: str, message_id: str, body: str, attempts: int
    ) -> None:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "svix-id": message_id,
            "svix-timestamp": timestamp,
            "svix-signature": sign(self._key, message_id, timestamp, body.encode()),
        }
        try:
            accepted = (await http.post(url, content=body, headers=headers)).is_success
        except httpx.HTTPError as failure:
            log.debug("webhook not delivered", error=type(failure).__name__)
            accepted = False
        if accepted or attempts >= MOST_ATTEMPTS:
            await self._connection.execute("DELETE FROM messages WHERE id = ?", (message_id,))
        else:
            pause = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2**attempts)
            statement = "UPDATE messages SET attempts = attempts + 1, due_at = ? WHERE id = ?"
            await self._connection.execute(statement, (time.time() + pause, message_id))
