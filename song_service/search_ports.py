"""The port for searching and filtering songs."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from enum import StrEnum
from typing import Protocol

from shared.http.sorting import Found, SortedSlice, Value
from shared.search import SearchTerms
from shared.search_upkeep import Searchable
from song_service.domain import Song


class SongOrder(StrEnum):
    """How songs can be sorted. Equal ones are ordered by id."""

    NEWEST = "-createdAt"
    OLDEST = "createdAt"
    TITLE = "title"
    TITLE_DESCENDING = "-title"
    ARTIST_NAME = "artistName"
    SHORTEST = "duration"
    LONGEST = "-duration"


@dataclass(frozen=True, slots=True)
class SongQuery:
    """A query for listed songs. `genre` and `mood` are compared after folding; durations in seconds.

    Without `order`, songs that match `terms` come best first, others newest first.
    """

    terms: SearchTerms | None = None
    genre: str | None = None
    mood: str | None = None
    artist_id: str | None = None
    album_id: str | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    order: SongOrder | None = None

    @property
    def is_plain(self) -> bool:
        """Whether all listed songs are wanted, newest first."""
        return replace(self, order=None) == SongQuery() and self.order in (None, SongOrder.NEWEST)

    @property
    def is_ranked(self) -> bool:
        """Whether the best matches come first."""
        return self.terms is not None and self.order is None

    def with_terms(self, terms: SearchTerms) -> "SongQuery":
        """The same query with other terms."""
        return replace(self, terms=terms)

    def only_terms(self, terms: SearchTerms) -> "SongQuery":
        """The query for these terms without any filter or order."""
        return SongQuery(terms=terms)

    @property
    def binding(self) -> str:
        """Identifies the list that a cursor belongs to."""
        return f"songs {astuple(self)}"

    @property
    def position_kinds(self) -> Sequence[type[Value]]:
        """The types of the sort values."""
        if self.is_ranked:
            return (int, int, int)
        texts = (SongOrder.TITLE, SongOrder.TITLE_DESCENDING, SongOrder.ARTIST_NAME)
        return (str,) if self.order in texts else (int,)


class SongSearch(Searchable, Protocol):
    """Listed songs by words, filters and order.

    Matches are ranked: exact title, prefix of the title, all words in the title, others; within a rank most
    played first, then newest.
    """

    async def find(self, wanted: SongQuery, part: SortedSlice) -> Sequence[Found[Song]]:
        """Songs that `wanted` describes, in its order."""
        ...

    async def count(self, wanted: SongQuery) -> int:
        """The number of songs that `wanted` describes."""
        ...

    async def genres(self) -> Mapping[str, int]:
        """The number of listed songs of each spelling of a genre."""
        ...

    async def set_plays(self, plays: Mapping[str, int]) -> None:
        """Store play counts for ranking. Changes nothing else of a song."""
        ...
