"""The people who have signed in at the local Clerk, kept in one SQLite file."""

import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import aiosqlite

from embedded.cloud.database import open_database

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
ID_LENGTH = 27

SCHEMA = """
CREATE TABLE accounts (
    clerk_id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    email_id TEXT NOT NULL,
    full_name TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    last_sign_in_at_ms INTEGER NOT NULL
)
"""


@dataclass(frozen=True)
class Account:
    """`email` is in lower case; times are milliseconds since 1970, as Clerk's API gives them."""

    clerk_id: str
    email: str
    email_id: str
    full_name: str
    created_at_ms: int
    last_sign_in_at_ms: int

    @property
    def first_name(self) -> str:
        return self.full_name.split(" ", 1)[0]

    @property
    def last_name(self) -> str | None:
        """The name after its first word, or None: Clerk stores first and last name only."""
        _, _, rest = self.full_name.partition(" ")
        return rest or None


def new_id(prefix: str) -> str:
    """`user_` and 27 base62 characters, and so on: the shape of every Clerk id."""
    return f"{prefix}_" + "".join(secrets.choice(BASE62) for _ in range(ID_LENGTH))


def name_from_email(email: str) -> str:
    """`maya.lopez+test@example.org` -> `Maya Lopez`."""
    local = email.partition("@")[0].partition("+")[0]
    words = "".join(char if char.isalpha() else " " for char in local).split()
    return " ".join(word.capitalize() for word in words) or local


class Accounts:
    """Opened with `async with`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open_connection: aiosqlite.Connection | None = None

    @property
    def _connection(self) -> aiosqlite.Connection:
        if self._open_connection is None:
            raise RuntimeError("The accounts are not open")
        return self._open_connection

    async def __aenter__(self) -> Self:
        self._open_connection = await open_database(self._path, SCHEMA, schema_version=1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._open_connection = self._connection, None
        await connection.close()

    async def find(self, clerk_id: str) -> Account | None:
        async with self._connection.execute("SELECT * FROM accounts WHERE clerk_id = ?", (clerk_id,)) as rows:
            row = await rows.fetchone()
        return Account(**dict(row)) if row else None

    async def find_by_email(self, email: str) -> Account | None:
        statement = "SELECT * FROM accounts WHERE email = ?"
        rows = list(await self._connection.execute_fetchall(statement, (email.lower(),)))
        return Account(**dict(rows[0])) if rows else None

    async def rename(self, clerk_id: str, full_name: str) -> Account | None:
        """The account with its new name; None when there is none."""
        statement = "UPDATE accounts SET full_name = ? WHERE clerk_id = ? RETURNING *"
        rows = list(await self._connection.execute_fetchall(statement, (full_name, clerk_id)))
        return Account(**dict(rows[0])) if rows else None

    async def delete(self, clerk_id: str) -> bool:
        """Whether there was such an account."""
        statement = "DELETE FROM accounts WHERE clerk_id = ? RETURNING clerk_id"
        rows = list(await self._connection.execute_fetchall(statement, (clerk_id,)))
        return bool(rows)

    async def signed_in(self, email: str, full_name: str | None) -> Account:
        """The account of this e-mail address, case-insensitive, created if there is none.

        `full_name` names a new account only: signing in does not rename anyone.
        """
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        address = email.lower()
        # Executed and fetched in one step: an unfinished statement blocks other commits.
        rows = await self._connection.execute_fetchall(
            "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (email) DO UPDATE SET last_sign_in_at_ms = excluded.last_sign_in_at_ms RETURNING *",
            (new_id("user"), address, new_id("idn"), full_name or name_from_email(address), now_ms, now_ms),
        )
        return Account(**dict(next(iter(rows))))
