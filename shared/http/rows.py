"""Lists as JSON arrays: encoded once, then sent and cached without decoding."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.cache.entry import Content, Loaded


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of JSON objects, and the cursor of the next page when there is one."""

    rows: Sequence[bytes]
    next_cursor: str | None = None

    def to_json(self) -> bytes:
        """The JSON array."""
        return b"[" + b",".join(self.rows) + b"]"

    def loaded(self, ttl_seconds: int | None = None) -> Loaded:
        """To be cached; the note is the cursor."""
        return Loaded(self.to_json(), self.next_cursor or "", ttl_seconds)

    def content(self) -> Content:
        """To be sent, and not cached."""
        return Content.of(self.loaded())
