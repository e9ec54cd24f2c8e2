"""Listing people as everybody may see them: artists, and for admins others. At most 100 without `limit`."""

from collections.abc import Sequence

from shared.access.permissions import Role
from shared.http.pagination import MAX_PAGE, Page, split_page
from shared.http.rows import Rows
from shared.http.searching import Searching, SearchPage
from shared.search import terms_of
from shared.spelling import Vocabulary
from user_service.domain import User
from user_service.ports import UserFilter, UserRepository
from user_service.schemas import public_user
from user_service.search_ports import ArtistQuery, ArtistSearch


class PeopleSearching:
    """Public profiles."""

    def __init__(self, search: ArtistSearch, users: UserRepository, vocabulary: Vocabulary) -> None:
        self._searching = Searching[ArtistQuery, User](search, vocabulary, MAX_PAGE)
        self._users = users

    async def artists(self, text: str, page: Page) -> tuple[Rows, SearchPage[User]]:
        """Artists by the words of their names; all of them, newest first, when `text` is blank."""
        found = await self._searching.page(ArtistQuery(terms_of(text)), page)
        return _rows(found.entries, found.next_cursor), found

    async def of_role(self, role: Role, text: str, page: Page) -> tuple[Rows, int | None]:
        """Users of this role, newest first, with `text` in name or e-mail unless it is blank; and how many,
        when asked.
        """
        wanted = UserFilter(role=role, text=None if terms_of(text) is None else text)
        binding = f"users {wanted}"
        part = page.to_slice(MAX_PAGE, binding)
        shown, next_cursor = split_page(await self._users.list(wanted, part), part, binding)
        return _rows(shown, next_cursor), await self._users.count(wanted) if page.total else None


def _rows(users: Sequence[User], next_cursor: str | None) -> Rows:
    return Rows([public_user(user).model_dump_json(by_alias=True).encode() for user in users], next_cursor)
