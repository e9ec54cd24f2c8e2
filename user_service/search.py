"""Searching artists in MongoDB."""

from collections.abc import Sequence

from shared.access.permissions import Role
from shared.http.pagination import Cursor
from shared.http.sorting import Found, SortedSlice
from shared.providers.mongo import DESCENDING, Document, MongoDatabase
from shared.providers.mongo_search import MongoSearch, search_indexes
from shared.search_upkeep import ChangedWords
from user_service.domain import User
from user_service.repository import name_fields, to_user
from user_service.search_ports import ArtistQuery

_ARTISTS: Document = {"role": Role.ARTIST.value}
_NEWEST_OF_RANK = (("createdAt", DESCENDING),)
INDEXES = tuple(search_indexes(list(_ARTISTS), _NEWEST_OF_RANK))


class MongoArtistSearch:
    """An `ArtistSearch`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._users = database.collection("users", INDEXES)
        self._search = MongoSearch(self._users, _ARTISTS, _NEWEST_OF_RANK)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._users.ensure_indexes()

    async def find(self, wanted: ArtistQuery, part: SortedSlice) -> Sequence[Found[User]]:
        found = await self._search.find({}, wanted.terms, None, part)
        return [Found(to_user(each.entry), each.position) for each in found]

    async def count(self, wanted: ArtistQuery) -> int:
        return await self._search.count({}, wanted.terms)

    async def index_next(self, limit: int) -> Sequence[str]:
        return await self._search.index_next(limit, ("fullName",), lambda user: name_fields(user["fullName"]))

    async def changed_words(self, after: Cursor | None, limit: int) -> Sequence[ChangedWords]:
        return await self._search.changed_words(after, limit)
