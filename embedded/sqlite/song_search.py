"""Searching and filtering songs in SQLite."""

import json
from collections.abc import Mapping, Sequence

from embedded.sqlite.database import SqliteDatabase, Value
from embedded.sqlite.search import NEWEST_FIRST, Filters, Order, SearchedTable, SqliteSearch, search_columns
from embedded.sqlite.songs import COLUMNS, label_keys, to_song
from shared.http.pagination import Cursor
from shared.http.sorting import Found, SortedSlice
from shared.search import key_of
from shared.search_upkeep import ChangedWords
from song_service.domain import Song
from song_service.search_ports import SongOrder, SongQuery

_LISTED = "is_removed = 0 AND is_public = 1 AND is_visible = 1"
_ORDERS: Mapping[SongOrder, Order] = {
    SongOrder.NEWEST: NEWEST_FIRST,
    SongOrder.OLDEST: [("created_at", "ASC")],
    SongOrder.TITLE: [("title_key", "ASC")],
    SongOrder.TITLE_DESCENDING: [("title_key", "DESC")],
    SongOrder.ARTIST_NAME: [("by_key", "ASC")],
    SongOrder.SHORTEST: [("duration", "ASC")],
    SongOrder.LONGEST: [("duration", "DESC")],
}
_NAMES = SearchedTable(
    table="songs",
    words="songs_search",
    columns=COLUMNS,
    listed=_LISTED,
    ties=[("plays", "DESC"), ("created_at", "DESC")],
    popular="songs_popular",
    titles="songs_titles",
)
_SET_PLAYS = """
    UPDATE songs SET plays = (SELECT value FROM json_each(:plays) WHERE key = songs.id)
    WHERE id IN (SELECT key FROM json_each(:plays))
"""
_GENRES = f"SELECT genre, count(*) AS songs FROM songs WHERE {_LISTED} AND genre > '' GROUP BY genre"  # noqa: S608


class SqliteSongSearch:
    """A `SongSearch`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._search = SqliteSearch(database, _NAMES)

    async def find(self, wanted: SongQuery, part: SortedSlice) -> Sequence[Found[Song]]:
        order = _ORDERS[wanted.order] if wanted.order else None
        found = await self._search.find(_filters(wanted), wanted.terms, order, part)
        return [Found(to_song(each.entry), each.position) for each in found]

    async def count(self, wanted: SongQuery) -> int:
        return await self._search.count(_filters(wanted), wanted.terms)

    async def genres(self) -> Mapping[str, int]:
        return {row["genre"]: row["songs"] for row in await self._database.read(_GENRES)}

    async def set_plays(self, plays: Mapping[str, int]) -> None:
        if plays:
            await self._database.write(_SET_PLAYS, {"plays": json.dumps(dict(plays))})

    async def index_next(self, limit: int) -> Sequence[str]:
        return await self._search.index_next(
            limit,
            ("title", "artist_name", "genre", "mood"),
            lambda row: {
                **search_columns(row["title"], row["artist_name"]),
                **label_keys(row["genre"], row["mood"]),
            },
        )

    async def changed_words(self, after: Cursor | None, limit: int) -> Sequence[ChangedWords]:
        return await self._search.changed_words(after, limit)


def _filters(wanted: SongQuery) -> Filters:
    chosen: dict[str, tuple[str, Value]] = {
        "genre": ("genre_key = :genre", None if wanted.genre is None else key_of(wanted.genre)),
        "mood": ("mood_key = :mood", None if wanted.mood is None else key_of(wanted.mood)),
        "artist_id": ("artist_id = :artist_id", wanted.artist_id),
        "album_id": ("album_id = :album_id", wanted.album_id),
        "min_duration": ("duration >= :min_duration", wanted.min_duration),
        "max_duration": ("duration <= :max_duration", wanted.max_duration),
    }
    given = {name: (condition, value) for name, (condition, value) in chosen.items() if value is not None}
    return Filters(
        [condition for condition, _ in given.values()],
        {name: value for name, (_, value) in given.items()},
        is_selective=not given.keys().isdisjoint({"artist_id", "album_id"}),
    )
