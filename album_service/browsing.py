"""Reading albums: one with its songs, and lists, each only as its caller may see it."""

from album_service import policy
from album_service.caching import COUNT_OF_LISTED_ALBUMS, LISTED_ALBUMS, albums_of_user, one_album
from album_service.domain import Album
from album_service.ports import AlbumFilter, AlbumRepository, Songs
from album_service.schemas import album_json, album_with_songs_json
from shared.access.caller import Caller
from shared.cache import Entry, Passing, ReadThrough
from shared.errors import UnavailableError
from shared.pagination import Page, split_page
from shared.rows import Rows

EVERY_SONG = b"1"
SOME_SONGS = b"0"


class Browsing:
    """Albums as JSON, from the cache where what everybody, or a creator, sees is kept there."""

    def __init__(
        self, albums: AlbumRepository, songs: Songs, cache: ReadThrough, whole_list_limit: int
    ) -> None:
        self._albums = albums
        self._songs = songs
        self._cache = cache
        self._whole_list_limit = whole_list_limit

    async def one(self, album_id: str, caller: Caller | None) -> bytes:
        """The album with the songs that the caller may see.

        What is kept is what anonymous sees, with a mark whether that is all there is in the album: then it is
        right for every caller, else a known caller may see more, such as an own hidden song, and is served
        afresh. Nobody can tell here a hidden song from a removed one, whose id stays in the album: known
        callers are always served such an album afresh, which is dearer, and right.

        Raises:
            AlbumNotFoundError: there is none, or not for this caller.
        """

        async def load() -> bytes | Passing | None:
            album = await self._albums.get(album_id)
            if not album.is_listed:
                return None
            try:
                songs = await self._songs.visible(album.song_ids, None) if album.song_ids else []
            except UnavailableError:
                return Passing(EVERY_SONG + album_with_songs_json(album, None))
            mark = EVERY_SONG if len(songs) == len(album.song_ids) else SOME_SONGS
            return mark + album_with_songs_json(album, songs)

        kept = await self._cache.read(one_album(album_id), load)
        if kept is not None and (caller is None or kept.startswith(EVERY_SONG)):
            return kept[1:]
        album = await self.album(album_id, caller)
        try:
            songs = await self._songs.visible(album.song_ids, caller.token if caller else None)
        except UnavailableError:
            return album_with_songs_json(album, None)
        return album_with_songs_json(album, songs)

    async def album(self, album_id: str, caller: Caller | None) -> Album:
        """The album itself, fresh from the store.

        Raises:
            AlbumNotFoundError: there is none, or not for this caller.
        """
        album = await self._albums.get(album_id)
        policy.check_may_see(caller, album)
        return album

    async def listed(self, page: Page) -> Rows:
        """What everybody sees."""
        return await self._list(AlbumFilter(listed_only=True), page, LISTED_ALBUMS)

    async def of_user(self, user_id: str, page: Page) -> Rows:
        """All albums of a user, in any state: for that user."""
        return await self._list(AlbumFilter(creator_id=user_id), page, albums_of_user(user_id))

    async def all(self, page: Page) -> Rows:
        """All albums in any state: for admins."""
        return await self._list(AlbumFilter(), page, None)

    async def count(self, wanted: AlbumFilter) -> int:
        """How many albums there are of this description; what anybody may ask for is kept."""

        async def load() -> bytes:
            return str(await self._albums.count(wanted)).encode()

        if wanted != AlbumFilter(listed_only=True):
            return int(await load())
        kept = await self._cache.read(COUNT_OF_LISTED_ALBUMS, load)
        assert kept is not None  # noqa: S101 - the loader always answers
        return int(kept)

    async def _list(self, wanted: AlbumFilter, page: Page, entry: Entry | None) -> Rows:
        async def load() -> bytes:
            part = page.to_slice(self._whole_list_limit)
            shown, next_cursor = split_page(await self._albums.list(wanted, part), part)
            return Rows([album_json(album) for album in shown], next_cursor).to_bytes()

        if entry is None or not page.is_whole_list:
            return Rows.from_bytes(await load())
        kept = await self._cache.read(entry, load)
        assert kept is not None  # noqa: S101 - the loader always answers
        return Rows.from_bytes(kept)
