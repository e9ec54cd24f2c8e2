"""Searching and sorting albums in SQLite."""

from collections.abc import Mapping, Sequence

from album_service.domain import Album
from album_service.search_ports import AlbumOrder, AlbumQuery
from embedded.sqlite.albums import COLUMNS, to_album
from embedded.sqlite.database import SqliteDatabase
from embedded.sqlite.search import NEWEST_FIRST, Filters, Order, SearchedTable, SqliteSearch, search_columns
from shared.http.pagination import Cursor
from shared.http.sorting import Found, SortedSlice
from shared.search_upkeep import ChangedWords

_ORDERS: Mapping[AlbumOrder, Order] = {
    AlbumOrder.NEWEST: NEWEST_FIRST,
    AlbumOrder.OLDEST: [("created_at", "ASC")],
    AlbumOrder.TITLE: [("title_key", "ASC")],
    AlbumOrder.TITLE_DESCENDING: [("title_key", "DESC")],
}
_NAMES = SearchedTable(
    table="albums",
    words="albums_search",
    columns=COLUMNS,
    listed="is_public = 1 AND is_visible = 1",
    ties=NEWEST_FIRST,
    popular="albums_listed",
    titles="albums_titles",
)


class SqliteAlbumSearch:
    """An `AlbumSearch`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._search = SqliteSearch(database, _NAMES)

    async def find(self, wanted: AlbumQuery, part: SortedSlice) -> Sequence[Found[Album]]:
        order = _ORDERS[wanted.order] if wanted.order else None
        found = await self._search.find(_filters(wanted), wanted.terms, order, part)
        return [Found(to_album(each.entry), each.position) for each in found]

    async def count(self, wanted: AlbumQuery) -> int:
        return await self._search.count(_filters(wanted), wanted.terms)

    async def index_next(self, limit: int) -> Sequence[str]:
        return await self._search.index_next(
            limit,
            ("title", "creator_name"),
            lambda row: search_columns(row["title"], row["creator_name"]),
        )

    async def changed_words(self, after: Cursor | None, limit: int) -> Sequence[ChangedWords]:
        return await self._search.changed_words(after, limit)


def _filters(wanted: AlbumQuery) -> Filters:
    if wanted.creator_id is None:
        return Filters()
    return Filters(["creator_id = :creator_id"], {"creator_id": wanted.creator_id}, is_selective=True)
