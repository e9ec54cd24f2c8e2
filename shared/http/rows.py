"""Lists as JSON arrays: encoded once, then sent, cached and truncated without decoding."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

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

    def divisible(self, ttl_seconds: int | None = None) -> Loaded:
        """To be cached, for `first_rows`; the note says where each row ends. It has no cursor."""
        ends = accumulate(self.rows, lambda end, row: end + 1 + len(row), initial=0)
        return Loaded(self.to_json(), " ".join(map(str, list(ends)[1:])), ttl_seconds)

    def content(self) -> Content:
        """To be sent, and not cached."""
        return Content.of(self.loaded())


def first_rows(content: Content, count: int) -> Content:
    """The first `count` rows, at least one, of a `divisible` list."""
    ends = content.note.split()
    if count >= len(ends):
        return content
    body = content.body[: int(ends[count - 1])] + b"]"
    return replace(content, body=body, etag=f'{content.etag[:-1]}-{count}"', note=" ".join(ends[:count]))
