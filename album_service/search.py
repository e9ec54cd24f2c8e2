"""Searching and sorting albums in MongoDB."""

from collections.abc import Mapping, Sequence

from album_service.domain import Album
from album_service.repository import LISTED, to_album
from album_service.search_ports import AlbumOrder, AlbumQuery
from shared.http.pagination import Cursor
from shared.http.sorting import Found, SortedSlice
from shared.providers.mongo import ASCENDING, DESCENDING, NEWEST_FIRST, Document, Index, MongoDatabase, Order
from shared.providers.mongo_search import MongoSearch, search_fields, search_indexes
from shared.search_upkeep import ChangedWords

_NEWEST_OF_RANK = (("createdAt", DESCENDING),)
_ORDERS: Mapping[AlbumOrder, Order] = {
    AlbumOrder.NEWEST: NEWEST_FIRST,
    AlbumOrder.OLDEST: (("createdAt", ASCENDING), ("_id", ASCENDING)),
    AlbumOrder.TITLE: (("titleKey", ASCENDING), ("_id", ASCENDING)),
    AlbumOrder.TITLE_DESCENDING: (("titleKey", DESCENDING), ("_id", DESCENDING)),
}
INDEXES = (
    *search_indexes(list(LISTED), _NEWEST_OF_RANK),
    Index([*((field, DESCENDING) for field in LISTED), ("creatorId", ASCENDING), *NEWEST_FIRST]),
)


class MongoAlbumSearch:
    """An `AlbumSearch`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._albums = database.collection("albums", INDEXES)
        self._search = MongoSearch(self._albums, LISTED, _NEWEST_OF_RANK)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._albums.ensure_indexes()

    async def find(self, wanted: AlbumQuery, part: SortedSlice) -> Sequence[Found[Album]]:
        order = _ORDERS[wanted.order] if wanted.order else None
        found = await self._search.find(_filters(wanted), wanted.terms, order, part)
        return [Found(to_album(each.entry), each.position) for each in found]

    async def count(self, wanted: AlbumQuery) -> int:
        return await self._search.count(_filters(wanted), wanted.terms)

    async def index_next(self, limit: int) -> Sequence[str]:
        return await self._search.index_next(
            limit,
            ("title", "creatorName"),
            lambda album: search_fields(album["title"], album["creatorName"]),
        )

    async def changed_words(self, after: Cursor | None, limit: int) -> Sequence[ChangedWords]:
        return await self._search.changed_words(after, limit)


def _filters(wanted: AlbumQuery) -> Document:
    return {} if wanted.creator_id is None else {"creatorId": wanted.creator_id}
