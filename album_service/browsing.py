"""Reading albums: one with its songs, and lists, each only as its caller may see it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from album_service import policy
from album_service.caching import (
    COUNT_OF_LISTED_ALBUMS,
    LISTED_ALBUMS,
    albums_of_user,
    first_page,
    one_album,
    song_tags,
)
from album_service.domain import Album
from album_service.ports import AlbumFilter, AlbumRepository, Songs
from album_service.schemas import album_json, album_naming_json, album_with_songs_json
from shared.access.caller import Caller, Principal, UnverifiedCaller, not_found_as_unavailable
from shared.access.permissions import Permission
from shared.cache.entry import Content, Entry, Loaded
from shared.cache.read_through import Dependencies, ReadThrough
from shared.contracts.albums import AlbumWithSongs
from shared.contracts.songs import SongOut
from shared.errors import UnavailableError
from shared.http.pagination import Page, split_page
from shared.http.rows import Rows

EVERY_SONG, SOME_SONGS = "every song", "some songs"
"""Notes of an album as everybody sees it: whether that is all there is in it."""


class Browsing:
    """Albums as JSON, from the cache where what everybody, or a creator, sees is kept there."""

    def __init__(
        self, albums: AlbumRepository, songs: Songs, cache: ReadThrough, whole_list_limit: int
    ) -> None:
        self._albums = albums
        self._songs = songs
        self._cache = cache
        self._whole_list_limit = whole_list_limit

    async def one(self, album_id: str, caller: Principal) -> Content:
        """The album with the songs that the caller may see.

        What is kept is what anonymous sees, with a note whether that is all there is in the album: then it is
        right for every caller, else a known caller may see more, such as an own hidden song, and is served
        afresh. Nobody can tell here a hidden song from a removed one, whose id stays in the album: known
        callers are always served such an album afresh, which is more expensive, and right. While that cannot
        be done, or the caller cannot be known, they get what anonymous sees, and that there may be more.

        Raises:
            AlbumNotFoundError: there is none, or not for this caller.
            UnavailableError: there is none for everybody, and the caller cannot be known now.
        """

        async def load(dependencies: Dependencies) -> Loaded | None:
            album = await self._albums.get(album_id)
            if not album.is_listed:
                return None
            await dependencies.add(*song_tags(album.song_ids))
            songs = await self._visible(album.song_ids, None)
            if songs is None:
                return Loaded(album_with_songs_json(album, [], are_all=False), EVERY_SONG, ttl_seconds=0)
            note = EVERY_SONG if len(songs) == len(album.song_ids) else SOME_SONGS
            return Loaded(album_with_songs_json(album, songs), note)

        with not_found_as_unavailable(caller):
            kept = await self._cache.read_dependent(one_album(album_id), load)
            if kept is not None and kept.note == EVERY_SONG:
                return kept
            if kept is not None and caller is None:
                return replace(kept, is_shared=False)
            album = await self._albums.get(album_id)
            policy.check_may_see(caller, album)
        songs = await self._visible(album.song_ids, caller)
        if songs is None:
            listed = AlbumWithSongs.model_validate_json(kept.body).songs if kept is not None else []
            return Content.of(Loaded(album_with_songs_json(album, listed, are_all=False)))
        return Content.of(Loaded(album_with_songs_json(album, songs)))

    async def changed(self, album: Album, caller: Caller) -> bytes:
        """An album that the caller has changed, as the answer to that.

        The change is done, so a song service that is down does not fail it: no songs are named then.
        """
        if caller.may(Permission.SEE_EVERYTHING):
            return album_json(album)
        return album_naming_json(album, _ids_of(await self._visible(album.song_ids, caller)))

    async def listed(self, page: Page) -> Content:
        """What everybody sees."""

        async def load() -> Loaded:
            albums, next_cursor = await self._part(AlbumFilter(listed_only=True), page)
            return await self._with_visible_songs(albums, next_cursor, None)

        return await self._read(LISTED_ALBUMS, page, load)

    async def of_user(self, user: Caller, page: Page) -> Content:
        """All albums of a user, in any state: for that user."""

        async def load() -> Loaded:
            albums, next_cursor = await self._part(AlbumFilter(creator_id=user.id), page)
            return await self._with_visible_songs(albums, next_cursor, user)

        return await self._read(albums_of_user(user), page, load)

    async def as_everybody_sees(self, albums: Sequence[Album], next_cursor: str | None) -> Content:
        """These albums, naming the songs that everybody may see."""
        return Content.of(await self._with_visible_songs(albums, next_cursor, None))

    async def all(self, page: Page) -> Content:
        """All albums in any state, with all their songs: for admins."""
        albums, next_cursor = await self._part(AlbumFilter(), page)
        return Rows([album_json(album) for album in albums], next_cursor).content()

    async def count(self, wanted: AlbumFilter) -> int:
        """How many albums there are of this description; what anybody may ask for is kept."""

        async def load() -> bytes:
            return str(await self._albums.count(wanted)).encode()

        if wanted != AlbumFilter(listed_only=True):
            return int(await load())
        kept = await self._cache.read(COUNT_OF_LISTED_ALBUMS, load)
        assert kept is not None  # noqa: S101 - the loader always answers
        return int(kept.body)

    async def _part(self, wanted: AlbumFilter, page: Page) -> tuple[list[Album], str | None]:
        part = page.to_slice(self._whole_list_limit)
        return split_page(await self._albums.list(wanted, part), part)

    async def _with_visible_songs(
        self, albums: Sequence[Album], next_cursor: str | None, caller: Caller | None
    ) -> Loaded:
        """The list, where `songIds` names only songs that the caller may see.

        While nobody can say which those are, none is named, and the list is not kept.
        """
        ids = list(dict.fromkeys(song_id for album in albums for song_id in album.song_ids))
        visible = _ids_of(await self._visible(ids, caller))
        rows = Rows([album_naming_json(album, visible) for album in albums], next_cursor)
        return rows.loaded(ttl_seconds=None if visible is not None else 0)

    async def _visible(self, song_ids: Sequence[str], caller: Principal) -> Sequence[SongOut] | None:
        """Those that the caller may see; None while nobody can say which."""
        if not song_ids:
            return []
        if isinstance(caller, UnverifiedCaller):
            return None
        try:
            return await self._songs.visible(song_ids, caller.token if caller else None)
        except UnavailableError:
            return None

    async def _read(self, entry: Entry, page: Page, load: Callable[[], Awaitable[Loaded]]) -> Content:
        """Whole lists and first pages through the cache, further pages from the store.

        The note is the cursor.
        """
        if page.cursor is not None:
            return Content.of(await load())
        kept = await self._cache.read(entry if page.limit is None else first_page(entry, page.limit), load)
        assert kept is not None  # noqa: S101 - the loader always returns some
        return kept


def _ids_of(songs: Sequence[SongOut] | None) -> set[str] | None:
    return None if songs is None else {song.id for song in songs}
