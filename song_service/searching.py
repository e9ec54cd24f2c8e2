"""Searching songs, and the genres to choose from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic_core import to_json

from shared.cache.entry import Content
from shared.cache.read_through import ReadThrough
from shared.clock import now
from shared.http.pagination import Page
from shared.http.rows import Rows
from shared.http.searching import Searching, SearchPage
from shared.search import key_of
from shared.spelling import Vocabulary
from song_service.caching import GENRES
from song_service.domain import Song
from song_service.library_ports import PlayStatistics
from song_service.schemas import song_json
from song_service.search_ports import SongQuery, SongSearch

OVERLAP = timedelta(seconds=10)
"""An interaction may be stored later than another that happened after it."""

CAUGHT_UP = timedelta(days=7)
"""At the start: includes plays that a stopped process did not count."""

_CHUNK = 500


class SongSearching:
    """Listed songs by words, filters and order."""

    def __init__(
        self, search: SongSearch, vocabulary: Vocabulary, cache: ReadThrough, whole_list_limit: int
    ) -> None:
        self._search = search
        self._searching = Searching[SongQuery, Song](search, vocabulary, whole_list_limit)
        self._cache = cache

    async def find(self, wanted: SongQuery, page: Page) -> tuple[Rows, SearchPage[Song]]:
        """A page of what `wanted` describes. Not cached: hardly any two searches are the same."""
        found = await self._searching.page(wanted, page)
        return Rows([song_json(song) for song in found.entries], found.next_cursor), found

    async def genres(self) -> Content:
        """`[{genre, count}]` as JSON, the most frequent first; spellings of one genre count together."""

        async def load() -> bytes:
            return to_json(
                [{"genre": genre, "count": count} for genre, count in _merged(await self._search.genres())]
            )

        return await self._cache.read(GENRES, load)


def _merged(counts: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    """Merges genres that differ in case or accents; the most frequent spelling is shown."""
    totals: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    for genre, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        spelling.setdefault(key_of(genre), genre)
        totals[key_of(genre)] += count
    merged = [(spelling[key], count) for key, count in totals.items()]
    return sorted(merged, key=lambda each: (-each[1], each[0]))


class Popularity:
    """Stores play counts with the songs, by which searches rank them.

    Counted from interactions each time, in the background: tracking a play writes nothing more for it.
    """

    def __init__(self, search: SongSearch, plays: PlayStatistics) -> None:
        self._search = search
        self._plays = plays
        self._counted_until: datetime | None = None

    async def refresh(self, song_ids: Sequence[str]) -> None:
        """Count the plays of these songs, and of those played since the last time."""
        moment = now()
        since = self._counted_until - OVERLAP if self._counted_until else moment - CAUGHT_UP
        wanted = [*{*song_ids, *await self._plays.played_since(since)}]
        for start in range(0, len(wanted), _CHUNK):
            counted = await self._plays.plays_in_total(wanted[start : start + _CHUNK])
            await self._search.set_plays(counted)
        self._counted_until = moment
