"""The port for searching and sorting albums."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from enum import StrEnum
from typing import Protocol

from album_service.domain import Album
from shared.http.sorting import Found, SortedSlice, Value
from shared.search import SearchTerms
from shared.search_upkeep import Searchable


class AlbumOrder(StrEnum):
    """How albums can be sorted. Equal ones are ordered by id."""

    NEWEST = "-createdAt"
    OLDEST = "createdAt"
    TITLE = "title"
    TITLE_DESCENDING = "-title"


@dataclass(frozen=True, slots=True)
class AlbumQuery:
    """A query for listed albums. Without `order`: best matches of `terms` first, else newest first."""

    terms: SearchTerms | None = None
    creator_id: str | None = None
    order: AlbumOrder | None = None

    @property
    def is_plain(self) -> bool:
        """Whether all listed albums are wanted, newest first."""
        return replace(self, order=None) == AlbumQuery() and self.order in (None, AlbumOrder.NEWEST)

    @property
    def is_ranked(self) -> bool:
        """Whether the best matches come first."""
        return self.terms is not None and self.order is None

    def with_terms(self, terms: SearchTerms) -> "AlbumQuery":
        """The same query with other terms."""
        return replace(self, terms=terms)

    def only_terms(self, terms: SearchTerms) -> "AlbumQuery":
        """The query for these terms without any filter or order."""
        return AlbumQuery(terms=terms)

    @property
    def binding(self) -> str:
        """Identifies the list that a cursor belongs to."""
        return f"albums {astuple(self)}"

    @property
    def position_kinds(self) -> Sequence[type[Value]]:
        """The types of the sort values."""
        if self.is_ranked:
            return (int, int)
        return (str,) if self.order in (AlbumOrder.TITLE, AlbumOrder.TITLE_DESCENDING) else (int,)


class AlbumSearch(Searchable, Protocol):
    """Listed albums by the words of title and creator.

    Matches are ranked: exact title, prefix of the title, all words in the title, others; within a rank newest
    first.
    """

    async def find(self, wanted: AlbumQuery, part: SortedSlice) -> Sequence[Found[Album]]:
        """Albums that `wanted` describes, in its order."""
        ...

    async def count(self, wanted: AlbumQuery) -> int:
        """The number of albums that `wanted` describes."""
        ...
