"""The port for searching artists."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Protocol

from shared.http.sorting import Found, SortedSlice, Value
from shared.search import SearchTerms
from shared.search_upkeep import Searchable
from user_service.domain import User


@dataclass(frozen=True, slots=True)
class ArtistQuery:
    """A query for artists: the best matches of `terms` first, without them the newest."""

    terms: SearchTerms | None = None

    def with_terms(self, terms: SearchTerms) -> "ArtistQuery":
        """The same query with other terms."""
        return replace(self, terms=terms)

    def only_terms(self, terms: SearchTerms) -> "ArtistQuery":
        """The query for these terms without any filter or order."""
        return ArtistQuery(terms=terms)

    @property
    def binding(self) -> str:
        """Identifies the list that a cursor belongs to."""
        return f"artists {astuple(self)}"

    @property
    def position_kinds(self) -> Sequence[type[Value]]:
        """The types of the sort values."""
        return (int, int) if self.terms else (int,)


class ArtistSearch(Searchable, Protocol):
    """Users who are artists, by the words of their names. Never by their e-mail."""

    async def find(self, wanted: ArtistQuery, part: SortedSlice) -> Sequence[Found[User]]:
        """Artists that `wanted` describes, in its order."""
        ...

    async def count(self, wanted: ArtistQuery) -> int:
        """The number of artists that `wanted` describes."""
        ...
