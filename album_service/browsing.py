"""Reading albums: one with its songs, and lists, each only as its caller may see it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

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

        async def load() -> bytes | Passing:
            albums, next_cursor = await self._part(AlbumFilter(listed_only=True), page)
            return await self._with_visible_songs(albums, next_cursor, None)

        return await self._read(LISTED_ALBUMS, page, load)

    async def of_user(self, user: Caller, page: Page) -> Rows:
        """All albums of a user, in any state: for that user."""

        async def load() -> bytes | Passing:
            albums, next_cursor = await self._part(AlbumFilter(creator_id=user.id), page)
            return await self._with_visible_songs(albums, next_cursor, user.token)

        return await self._read(albums_of_user(user.id), page, load)

    async def all(self, page: Page) -> Rows:
        """All albums in any state, with all their songs: for admins."""
        albums, next_cursor = await self._part(AlbumFilter(), page)
        return Rows([album_json(album) for album in albums], next_cursor)

    async def count(self, wanted: AlbumFilter) -> int:
        """How many albums there are of this description; what anybody may ask for is kept."""

        async def load() -> bytes:
            return str(await self._albums.count(wanted)).encode()

        if wanted != AlbumFilter(listed_only=True):
            return int(await load())
        kept = await self._cache.read(COUNT_OF_LISTED_ALBUMS, load)
        assert kept is not None  # noqa: S101 - the loader always answers
        return int(kept)

    async def _part(self, wanted: AlbumFilter, page: Page) -> tuple[list[Album], str | None]:
        part = page.to_slice(self._whole_list_limit)
        return split_page(await self._albums.list(wanted, part), part)

    async def _with_visible_songs(
        self, albums: Sequence[Album], next_cursor: str | None, token: str | None
    ) -> bytes | Passing:
        """The list, where `songIds` names only songs that the owner of `token` may see.

        While the song service is down nobody can say which: then all are named, and the list is not kept.
        """
        ids = list(dict.fromkeys(song_id for album in albums for song_id in album.song_ids))
        try:
            visible = {song["_id"] for song in await self._songs.visible(ids, token)} if ids else set()
        except UnavailableError:
            return Passing(Rows([album_json(album) for album in albums], next_cursor).to_bytes())
        shown = (
            replace(album, song_ids=tuple(each for each in album.song_ids if each in visible))
            for album in albums
        )
        return Rows([album_json(album) for album in shown], next_cursor).to_bytes()

    async def _read(self, entry: Entry, page: Page, load: Callable[[], Awaitable[bytes | Passing]]) -> Rows:
        """Whole lists through the cache, pages from the store."""
        if page.is_whole_list:
            answer: bytes | Passing | None = await self._cache.read(entry, load)
        else:
            answer = await load()
        assert answer is not None  # noqa: S101 - the loader always answers
        return Rows.from_bytes(answer.value if isinstance(answer, Passing) else answer)
