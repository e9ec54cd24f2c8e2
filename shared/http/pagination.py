"""Lists, newest first, whole or page by page.

Without `limit` a list is returned whole, up to a setting; with it, page by page. Either way a `Link` header
leads to the next page. A cursor is valid only for the list and the filters that it came from.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol, TypeVar
from urllib.parse import urlencode

from fastapi import Query
from starlette.requests import Request

from shared.clock import from_millis, to_millis
from shared.http.sorting import Position, bad_cursor, cursor_text, position_of

MAX_PAGE = 100

Entry = TypeVar("Entry", bound="Listed")


class Listed(Protocol):
    """An entry of a list."""

    @property
    def id(self) -> str: ...

    @property
    def created_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last entry of a page: the next one starts right after it, in (`created_at`, `id`) descending."""

    created_at: datetime
    id: str

    @classmethod
    def of(cls, entry: Listed) -> "Cursor":
        """The cursor that points right after `entry`."""
        return cls(entry.created_at, entry.id)

    def to_text(self, binding: str) -> str:
        """Opaque and URL-safe; valid for the list that `binding` describes: its name and filters."""
        return cursor_text(Position((to_millis(self.created_at),), self.id), binding)

    @classmethod
    def from_text(cls, text: str, binding: str) -> "Cursor":
        """The inverse of `to_text`.

        Raises:
            InvalidError: `text` is no cursor of this list.
        """
        position = position_of(text, binding, (int,))
        try:
            return cls(from_millis(int(position.values[0])), position.id)
        except (ValueError, OverflowError, OSError):
            raise bad_cursor() from None


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a list to read: at most `limit` entries, those after `after`."""

    limit: int
    after: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The paging parameters of a request. `limit` None: the whole list."""

    limit: int | None
    cursor: str | None
    total: bool

    def to_slice(self, whole_list_limit: int, binding: str) -> Slice:
        """One entry more than is returned, to detect whether there are more.

        `binding` describes the list, by its name and filters.

        Raises:
            InvalidError: the cursor came from another list.
        """
        after = Cursor.from_text(self.cursor, binding) if self.cursor else None
        return Slice((self.limit or whole_list_limit) + 1, after)


async def page_of_request(
    limit: Annotated[int | None, Query(ge=1, le=MAX_PAGE, description="Entries a page")] = None,
    cursor: Annotated[str | None, Query(max_length=1024, description="From a `Link` header")] = None,
    total: Annotated[bool, Query(description="Return `X-Total-Count` too")] = False,
) -> Page:
    """FastAPI dependency: the paging parameters of the request."""
    return Page(limit, cursor, total)


def split_page(found: Sequence[Entry], wanted: Slice, binding: str) -> tuple[list[Entry], str | None]:
    """Returns the entries of the page, and the cursor of the next page when there is one."""
    shown = list(found[: wanted.limit - 1])
    return shown, Cursor.of(shown[-1]).to_text(binding) if len(found) >= wanted.limit and shown else None


def next_link(request: Request, next_cursor: str, limit: int | None, filters: Collection[str] = ()) -> str:
    """The value of a `Link` header that leads to the next page, as an absolute path at the gateway.

    It keeps the parameters that the route declares: `total` and `filters`, whose values have been validated
    and are short. Unknown parameters may have any length, and clients refuse headers that are too long.
    """
    kept = [(name, value) for name, value in request.query_params.items() if name in {"total", *filters}]
    query = urlencode([*kept, ("limit", limit or MAX_PAGE), ("cursor", next_cursor)])
    prefix = request.scope["root_path"]
    path = request.scope["path"].removeprefix(f"{prefix}/").removeprefix("/")
    return f'<{prefix}/{path}?{query}>; rel="next"'


async def all_pages(
    read: Callable[[Slice], Awaitable[Sequence[Entry]]], size: int
) -> AsyncIterator[Sequence[Entry]]:
    """All of a list, in pages of `size` that are read lazily."""
    after: Cursor | None = None
    while found := await read(Slice(size, after)):
        yield found
        after = Cursor.of(found[-1])
