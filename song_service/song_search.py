"""Searching and filtering songs in MongoDB."""

from collections.abc import Mapping, Sequence

from shared.http.pagination import Cursor
from shared.http.sorting import Found, SortedSlice
from shared.providers.mongo import (
    ASCENDING,
    DESCENDING,
    NEWEST_FIRST,
    Document,
    Index,
    MongoDatabase,
    Order,
    id_of,
)
from shared.providers.mongo_search import MongoSearch, search_fields, search_indexes
from shared.search import key_of
from shared.search_upkeep import ChangedWords
from song_service.domain import Song
from song_service.repository import LISTED, label_keys, to_song
from song_service.search_ports import SongOrder, SongQuery

_MOST_PLAYED_FIRST = (("plays", DESCENDING), ("createdAt", DESCENDING))
_FIRST = tuple((field, DESCENDING) for field in LISTED)

_ORDERS: Mapping[SongOrder, Order] = {
    SongOrder.NEWEST: NEWEST_FIRST,
    SongOrder.OLDEST: (("createdAt", ASCENDING), ("_id", ASCENDING)),
    SongOrder.TITLE: (("titleKey", ASCENDING), ("_id", ASCENDING)),
    SongOrder.TITLE_DESCENDING: (("titleKey", DESCENDING), ("_id", DESCENDING)),
    SongOrder.ARTIST_NAME: (("byKey", ASCENDING), ("_id", ASCENDING)),
    SongOrder.SHORTEST: (("duration", ASCENDING), ("_id", ASCENDING)),
    SongOrder.LONGEST: (("duration", DESCENDING), ("_id", DESCENDING)),
}

INDEXES = (
    *search_indexes(list(LISTED), _MOST_PLAYED_FIRST),
    Index([*_FIRST, *_MOST_PLAYED_FIRST, ("_id", DESCENDING)]),
    Index([*_FIRST, ("duration", ASCENDING), ("_id", ASCENDING)]),
    Index([*_FIRST, ("genreKey", ASCENDING), *NEWEST_FIRST]),
    Index([*_FIRST, ("moodKey", ASCENDING), *NEWEST_FIRST]),
    Index([*_FIRST, ("artistId", ASCENDING), *NEWEST_FIRST]),
    Index([*_FIRST, ("albumId", ASCENDING), *NEWEST_FIRST]),
    Index([*_FIRST, ("genre", ASCENDING)]),
)


class MongoSongSearch:
    """A `SongSearch`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._songs = database.collection("songs", INDEXES)
        self._search = MongoSearch(self._songs, LISTED, _MOST_PLAYED_FIRST)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._songs.ensure_indexes()

    async def find(self, wanted: SongQuery, part: SortedSlice) -> Sequence[Found[Song]]:
        order = _ORDERS[wanted.order] if wanted.order else None
        found = await self._search.find(_filters(wanted), wanted.terms, order, part)
        return [Found(to_song(each.entry), each.position) for each in found]

    async def count(self, wanted: SongQuery) -> int:
        return await self._search.count(_filters(wanted), wanted.terms)

    async def genres(self) -> Mapping[str, int]:
        known = {**LISTED, "genre": {"$gt": ""}}
        counted = await self._songs.aggregate(
            [{"$match": known}, {"$group": {"_id": "$genre", "songs": {"$sum": 1}}}]
        )
        return {each["_id"]: each["songs"] for each in counted}

    async def set_plays(self, plays: Mapping[str, int]) -> None:
        await self._songs.change_each(
            [({"_id": id_of(song_id)}, {"$set": {"plays": count}}) for song_id, count in plays.items()]
        )

    async def index_next(self, limit: int) -> Sequence[str]:
        return await self._search.index_next(
            limit,
            ("title", "artistName", "genre", "mood", "plays"),
            lambda song: {
                **search_fields(song["title"], song["artistName"]),
                **label_keys(song["genre"], song["mood"]),
                "plays": song.get("plays", 0),
            },
        )

    async def changed_words(self, after: Cursor | None, limit: int) -> Sequence[ChangedWords]:
        return await self._search.changed_words(after, limit)


def _filters(wanted: SongQuery) -> Document:
    filters: Document = {}
    if wanted.genre is not None:
        filters["genreKey"] = key_of(wanted.genre)
    if wanted.mood is not None:
        filters["moodKey"] = key_of(wanted.mood)
    if wanted.artist_id is not None:
        filters["artistId"] = wanted.artist_id
    if wanted.album_id is not None:
        filters["albumId"] = wanted.album_id
    bounds = {"$gte": wanted.min_duration, "$lte": wanted.max_duration}
    if duration := {name: bound for name, bound in bounds.items() if bound is not None}:
        filters["duration"] = duration
    return filters
