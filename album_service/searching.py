"""Searching albums."""

from album_service.browsing import Browsing
from album_service.domain import Album
from album_service.search_ports import AlbumQuery, AlbumSearch
from shared.cache.entry import Content
from shared.http.pagination import Page
from shared.http.searching import Searching, SearchPage
from shared.spelling import Vocabulary


class AlbumSearching:
    """Listed albums by words, creator and order."""

    def __init__(
        self, search: AlbumSearch, browsing: Browsing, vocabulary: Vocabulary, whole_list_limit: int
    ) -> None:
        self._searching = Searching[AlbumQuery, Album](search, vocabulary, whole_list_limit)
        self._browsing = browsing

    async def find(self, wanted: AlbumQuery, page: Page) -> tuple[Content, SearchPage[Album]]:
        """A page of what `wanted` describes, naming the songs that everybody may see."""
        found = await self._searching.page(wanted, page)
        return await self._browsing.as_everybody_sees(found.entries, found.next_cursor), found
