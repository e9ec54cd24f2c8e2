"""Builds statements from constants of this package; values are always bound."""

from collections.abc import Iterable, Mapping
from typing import Final

from embedded.sqlite.database import Value
from shared.clock import to_millis
from shared.http.pagination import Slice

_NEWEST_FIRST: Final = "ORDER BY created_at DESC, id DESC LIMIT :limit"


def insert(table: str, columns: Iterable[str]) -> str:
    """`INSERT` of one row, from values named as the columns."""
    names = tuple(columns)
    values = ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"  # noqa: S608 - names of ours


def update(table: str, assignments: Iterable[str], conditions: Iterable[str], columns: str) -> str:
    """`UPDATE` of the rows that meet all conditions, returning `columns` of them as they are afterwards."""
    changed = f"UPDATE {table} SET {', '.join(assignments)}"  # noqa: S608 - names of ours
    return f"{changed}{_where(conditions)} RETURNING {columns}"


def delete(table: str, conditions: Iterable[str], columns: str) -> str:
    """`DELETE` of the rows that meet all conditions, returning `columns` of them."""
    return f"DELETE FROM {table}{_where(conditions)} RETURNING {columns}"  # noqa: S608 - names of ours


def select(columns: str, table: str, conditions: Iterable[str] = (), order: str = "") -> str:
    """`SELECT` of the rows that meet all conditions."""
    return f"SELECT {columns} FROM {table}{_where(conditions)} {order}"  # noqa: S608 - names of ours


def page(columns: str, table: str, conditions: Iterable[str], part: Slice) -> tuple[str, Mapping[str, Value]]:
    """`SELECT` of one part of a list, newest first, with the values that say which part."""
    if part.after is None:
        return select(columns, table, conditions, _NEWEST_FIRST), {"limit": part.limit}
    after = "(created_at, id) < (:after_created_at, :after_id)"
    return select(columns, table, (*conditions, after), _NEWEST_FIRST), {
        "limit": part.limit,
        "after_created_at": to_millis(part.after.created_at),
        "after_id": part.after.id.lower(),
    }


def _where(conditions: Iterable[str]) -> str:
    joined = " AND ".join(conditions)
    return f" WHERE {joined}" if joined else ""
