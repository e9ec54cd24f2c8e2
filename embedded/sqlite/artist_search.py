"""Searching artists in SQLite."""

from collections.abc import Sequence

from embedded.sqlite.database import SqliteDatabase
from embedded.sqlite.search import NEWEST_FIRST, Filters, SearchedTable, SqliteSearch
from embedded.sqlite.users import COLUMNS, name_columns, to_user
from shared.http.pagination import Cursor
from shared.http.sorting import Found, SortedSlice
from shared.search_upkeep import ChangedWords
from user_service.domain import User
from user_service.search_ports import ArtistQuery

_NAMES = SearchedTable(
    table="users",
    words="users_search",
    columns=COLUMNS,
    listed="role = 'artist'",
    ties=NEWEST_FIRST,
    popular="users_of_role",
    titles="users_titles",
)


class SqliteArtistSearch:
    """An `ArtistSearch`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._search = SqliteSearch(database, _NAMES)

    async def find(self, wanted: ArtistQuery, part: SortedSlice) -> Sequence[Found[User]]:
        found = await self._search.find(Filters(), wanted.terms, None, part)
        return [Found(to_user(each.entry), each.position) for each in found]

    async def count(self, wanted: ArtistQuery) -> int:
        return await self._search.count(Filters(), wanted.terms)

    async def index_next(self, limit: int) -> Sequence[str]:
        return await self._search.index_next(
            limit, ("full_name",), lambda row: name_columns(row["full_name"])
        )

    async def changed_words(self, after: Cursor | None, limit: int) -> Sequence[ChangedWords]:
        return await self._search.changed_words(after, limit)
