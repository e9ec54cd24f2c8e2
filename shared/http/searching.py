"""Runs a search: returns a page of matches, or of matches of the corrected query when nothing matches."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, Protocol, Self, TypeVar
from urllib.parse import quote

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from shared.cache.entry import Content
from shared.http.pagination import Page
from shared.http.responses import list_response
from shared.http.rows import Rows
from shared.http.sorting import Found, SortedSlice, Value, cursor_text, position_of
from shared.search import LONGEST_QUERY, SearchTerms
from shared.spelling import Vocabulary, corrected

Entry = TypeVar("Entry")
Wanted = TypeVar("Wanted", bound="SearchQuery")
Wanted_contra = TypeVar("Wanted_contra", bound="SearchQuery", contravariant=True)

SearchText = Annotated[
    str | None,
    Query(max_length=LONGEST_QUERY, description="Prefixes of words in the text"),
]


class SearchQuery(Protocol):
    """A search query."""

    @property
    def terms(self) -> SearchTerms | None: ...

    @property
    def binding(self) -> str:
        """Identifies the list that a cursor belongs to: its name, order and filters."""
        ...

    @property
    def position_kinds(self) -> Sequence[type[Value]]:
        """The types of the sort values."""
        ...

    def with_terms(self, terms: SearchTerms) -> Self:
        """The same with other terms."""
        ...

    def only_terms(self, terms: SearchTerms) -> Self:
        """The query for these terms without any filter or order."""
        ...


class Search(Protocol[Wanted_contra, Entry]):
    """A repository that can be searched."""

    async def find(self, wanted: Wanted_contra, part: SortedSlice) -> Sequence[Found[Entry]]: ...

    async def count(self, wanted: Wanted_contra) -> int: ...


@dataclass(frozen=True, slots=True)
class SearchPage(Generic[Entry]):
    """A page of matches. `corrected` is the query that they match when the original query matches nothing."""

    entries: Sequence[Entry]
    next_cursor: str | None
    total: int | None
    corrected: str | None


class Searching(Generic[Wanted, Entry]):
    """Searches of songs, albums or artists, with spelling correction from their vocabulary."""

    def __init__(self, search: Search[Wanted, Entry], vocabulary: Vocabulary, whole_list_limit: int) -> None:
        self._search = search
        self._vocabulary = vocabulary
        self._whole_list_limit = whole_list_limit

    async def page(self, wanted: Wanted, page: Page) -> SearchPage[Entry]:
        """A page of what `wanted` describes.

        Raises:
            InvalidError: the cursor does not belong to this list.
        """
        binding = wanted.binding
        after = position_of(page.cursor, binding, wanted.position_kinds) if page.cursor else None
        part = SortedSlice((page.limit or self._whole_list_limit) + 1, after)
        found = await self._search.find(wanted, part)
        meant: SearchTerms | None = None
        if not found and wanted.terms is not None:

            async def finds(terms: SearchTerms) -> bool:
                return bool(await self._search.find(wanted.only_terms(terms), SortedSlice(1)))

            meant = await corrected(wanted.terms, self._vocabulary, finds)
            if meant is not None:
                wanted = wanted.with_terms(meant)
                found = await self._search.find(wanted, part)
        shown = found[: part.limit - 1]
        is_more = len(found) >= part.limit and bool(shown)
        return SearchPage(
            entries=[each.entry for each in shown],
            next_cursor=cursor_text(shown[-1].position, binding) if is_more else None,
            total=await self._search.count(wanted) if page.total else None,
            corrected=" ".join(meant.words) if meant is not None else None,
        )


def search_response(
    request: Request, rows: Content | Rows, page: Page, found: SearchPage[Entry], filters: Collection[str]
) -> Response:
    """The list, with `X-Corrected-Query` when the query was corrected; in UTF-8, %-encoded."""
    response = list_response(request, rows, page, found.total, filters)
    if found.corrected is not None:
        response.headers["X-Corrected-Query"] = quote(found.corrected, safe=" ")
    return response
