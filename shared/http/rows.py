"""Answers that are lists, as they are cached: one line of JSON an entry, behind a line with the next cursor.

So a list can be cut short, or told how it goes on, without reading its JSON.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of JSON objects, each on a line, and the cursor of the next page when there is one."""

    rows: Sequence[bytes]
    next_cursor: str | None = None

    def to_bytes(self) -> bytes:
        """As it is cached."""
        return b"\n".join([(self.next_cursor or "").encode(), *self.rows])

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Rows":
        """The inverse of `to_bytes`."""
        cursor, *rows = stored.split(b"\n")
        return cls(rows, cursor.decode() or None)

    def first(self, count: int) -> "Rows":
        """The first `count` of them."""
        return Rows(self.rows[:count])

    def to_json(self) -> bytes:
        """The JSON array."""
        return b"[" + b",".join(self.rows) + b"]"
