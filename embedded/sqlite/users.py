"""Users in SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import overload

from embedded.sqlite import statements
from embedded.sqlite.database import DuplicateRowError, SqliteDatabase, Value
from embedded.sqlite.search import search_columns
from shared.access.permissions import Role
from shared.clock import from_millis, now, to_millis
from shared.http.pagination import Slice
from shared.text import fold
from user_service.domain import (
    AlreadyRegisteredError,
    EmailTakenError,
    User,
    UserChangedMeanwhileError,
    UserNotFoundError,
    digest_of_email,
)
from user_service.ports import UserChanges, UserFilter

COLUMNS = "id, clerk_id, full_name, email, image_url, role, is_blocked, created_at, updated_at, profile_at"
_ATTEMPTS = 5


class SqliteUsers:
    """A `UserRepository`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, user: User) -> None:
        row = to_row(user)
        try:
            await self._database.write(statements.insert("users", row), row)
        except DuplicateRowError:
            if await self.find_by_clerk_id(user.clerk_id) is not None:
                raise AlreadyRegisteredError from None
            raise EmailTakenError from None

    async def get(self, user_id: str) -> User:
        statement = statements.select(COLUMNS, "users", ["id = :id"])
        rows = await self._database.read(statement, {"id": user_id.lower()})
        if not rows:
            raise UserNotFoundError
        return to_user(rows[0])

    async def find_by_clerk_id(self, clerk_id: str) -> User | None:
        statement = statements.select(COLUMNS, "users", ["clerk_id = :clerk_id"])
        rows = await self._database.read(statement, {"clerk_id": clerk_id})
        return to_user(rows[0]) if rows else None

    async def list(self, wanted: UserFilter, part: Slice) -> Sequence[User]:
        conditions, values = _narrow(wanted)
        statement, part_values = statements.page(COLUMNS, "users", conditions, part)
        return [to_user(row) for row in await self._database.read(statement, {**values, **part_values})]

    async def count(self, wanted: UserFilter) -> int:
        conditions, values = _narrow(wanted)
        rows = await self._database.read(statements.select("count(*)", "users", conditions), values)
        return int(rows[0][0])

    @overload
    async def change(self, user_id: str, changes: UserChanges) -> User: ...

    @overload
    async def change(self, user_id: str, changes: UserChanges, *, if_blocked: bool | None) -> User | None: ...

    async def change(
        self, user_id: str, changes: UserChanges, *, if_blocked: bool | None = None
    ) -> User | None:
        row = {**_to_change(changes), "updated_at": to_millis(now())}
        conditions = ["id = :id"] if if_blocked is None else ["id = :id", "is_blocked = :if_blocked"]
        statement = statements.update("users", (f"{name} = :{name}" for name in row), conditions, COLUMNS)
        try:
            rows = await self._database.write(
                statement, {**row, "id": user_id.lower(), "if_blocked": if_blocked}
            )
        except DuplicateRowError:
            raise EmailTakenError from None
        if rows:
            return to_user(rows[0])
        await self.get(user_id)
        return None

    async def apply_profile(
        self, user_id: str, changes: UserChanges, profile_at: datetime | None
    ) -> User | None:
        row = _to_change(changes)
        conditions = ["id = :id"]
        if changes:
            row["updated_at"] = to_millis(now())
        if profile_at is not None:
            row["profile_at"] = to_millis(profile_at)
            conditions.append("coalesce(profile_at, 0) <= :profile_at")
        if not row:
            return await self.get(user_id)
        statement = statements.update("users", (f"{name} = :{name}" for name in row), conditions, COLUMNS)
        try:
            rows = await self._database.write(statement, {**row, "id": user_id.lower()})
        except DuplicateRowError:
            raise EmailTakenError from None
        if rows:
            return to_user(rows[0])
        await self.get(user_id)
        return None

    async def remove(self, user_id: str) -> None:
        statement = statements.delete("users", ["id = :id", "is_blocked = :is_blocked"], "id")
        for _ in range(_ATTEMPTS):
            user = await self.get(user_id)
            await self._keep_block(user)
            if await self._database.write(statement, {"id": user.id, "is_blocked": user.is_blocked}):
                return
        await self.get(user_id)
        raise UserChangedMeanwhileError

    async def _keep_block(self, user: User) -> None:
        """Before the removal: a process that dies between the two must leave the block."""
        if user.is_blocked:
            row: Mapping[str, Value] = {
                "clerk_id": user.clerk_id,
                "email_digest": digest_of_email(user.email),
                "removed_at": to_millis(now()),
            }
            insert = statements.insert("blocks_of_removed_users", row)
            await self._database.write(insert.replace("INSERT", "INSERT OR REPLACE", 1), row)
        else:
            remove = statements.delete("blocks_of_removed_users", ["clerk_id = :clerk_id"], "clerk_id")
            await self._database.write(remove, {"clerk_id": user.clerk_id})

    async def was_removed_blocked(self, clerk_id: str, email: str) -> bool:
        same = "(clerk_id = :clerk_id OR email_digest = :email_digest)"
        statement = statements.select("1", "blocks_of_removed_users", [same], "LIMIT 1")
        values = {"clerk_id": clerk_id, "email_digest": digest_of_email(email)}
        return bool(await self._database.read(statement, values))


def _narrow(wanted: UserFilter) -> tuple[list[str], dict[str, Value]]:
    conditions: list[str] = []
    values: dict[str, Value] = {}
    if wanted.role is not None:
        conditions.append("role = :role")
        values["role"] = wanted.role.value
    if wanted.is_blocked is not None:
        conditions.append("is_blocked = :is_blocked")
        values["is_blocked"] = wanted.is_blocked
    if wanted.text is not None:
        found = ("full_name_folded, :folded", "email, :folded", "full_name_folded, :lower", "email, :lower")
        conditions.append(f"({' OR '.join(f'instr({each}) > 0' for each in found)})")
        values |= {"folded": fold(wanted.text), "lower": wanted.text.strip().lower()}
    return conditions, values


def name_columns(full_name: str) -> dict[str, Value]:
    """The columns that a user with this name is found by."""
    return {**search_columns(full_name, ""), "full_name_folded": fold(full_name)}


def to_row(user: User) -> Mapping[str, Value]:
    """The user as a row."""
    return {
        "id": user.id,
        "clerk_id": user.clerk_id,
        "full_name": user.full_name,
        "email": user.email,
        "image_url": user.image_url,
        "role": user.role.value,
        "is_blocked": user.is_blocked,
        "created_at": to_millis(user.created_at),
        "updated_at": to_millis(user.updated_at),
        **name_columns(user.full_name),
        "profile_at": to_millis(user.profile_at) if user.profile_at else None,
    }


def _to_change(changes: UserChanges) -> dict[str, Value]:
    row: dict[str, Value] = {}
    if "full_name" in changes:
        row["full_name"] = changes["full_name"]
        row |= name_columns(changes["full_name"])
    if "email" in changes:
        row["email"] = changes["email"]
    if "image_url" in changes:
        row["image_url"] = changes["image_url"]
    if "role" in changes:
        row["role"] = changes["role"].value
    if "is_blocked" in changes:
        row["is_blocked"] = changes["is_blocked"]
    return row


def to_user(row: sqlite3.Row) -> User:
    """The user in a row of `COLUMNS`."""
    return User(
        id=row["id"],
        clerk_id=row["clerk_id"],
        full_name=row["full_name"],
        email=row["email"],
        image_url=row["image_url"],
        role=Role(row["role"]),
        is_blocked=bool(row["is_blocked"]),
        created_at=from_millis(row["created_at"]),
        updated_at=from_millis(row["updated_at"]),
        profile_at=None if row["profile_at"] is None else from_millis(row["profile_at"]),
    )
