"""Reading albums: one with its songs, and lists, each only as its caller may see it."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from album_service import policy
from album_service.caching import COUNT_OF_LISTED_ALBUMS, LISTED_ALBUMS, albums_of_user, one_album
from album_service.domain import Album
from album_service.ports import AlbumFilter, AlbumRepository, Songs
from album_service.schemas import album_json, album_naming_json, album_with_songs_json
from shared.access.caller import Caller, Principal, UnverifiedCaller, not_found_as_unavailable
from shared.access.permissions import Permission
from shared.cache.read_through import Entry, ReadThrough, ShortLived
from shared.errors import UnavailableError
from shared.http.pagination import Page, split_page
from shared.http.rows import Rows

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

    async def one(self, album_id: str, caller: Principal) -> bytes:
        """The album with the songs that the caller may see.

        What is kept is what anonymous sees, with a mark whether that is all there is in the album: then it is
        right for every caller, else a known caller may see more, such as an own hidden song, and is served
        afresh. Nobody can tell here a hidden song from a removed one, whose id stays in the album: known
        callers are always served such an album afresh, which is dearer, and right. While that cannot be done,
        or the caller cannot be known, they get what anonymous sees, and that there may be more.

        Raises:
            AlbumNotFoundError: there is none, or not for this caller.
            UnavailableError: there is none for everybody, and the caller cannot be known now.
        """

        async def load() -> bytes | ShortLived | None:
            album = await self._albums.get(album_id)
            if not album.is_listed:
                return None
            songs = await self._visible(album.song_ids, None)
            if songs is None:
                return ShortLived(EVERY_SONG + album_with_songs_json(album, [], are_all=False))
            mark = EVERY_SONG if len(songs) == len(album.song_ids) else SOME_SONGS
            return mark + album_with_songs_json(album, songs)

        with not_found_as_unavailable(caller):
            kept = await self._cache.read(one_album(album_id), load)
            if kept is not None and (caller is None or kept.startswith(EVERY_SONG)):
                return kept[1:]
            album = await self._albums.get(album_id)
            policy.check_may_see(caller, album)
        songs = await self._visible(album.song_ids, caller)
        if songs is None:
            listed = json.loads(kept[1:])["songs"] if kept is not None else []
            return album_with_songs_json(album, listed, are_all=False)
        return album_with_songs_json(album, songs)

    async def changed(self, album: Album, caller: Caller) -> bytes:
        """An album that the caller has changed, as the answer to that.

        The change is done, so a song service that is down does not fail it: no songs are named then.
        """
        if caller.may(Permission.SEE_EVERYTHING):
            return album_json(album)
        return album_naming_json(album, _ids_of(await self._visible(album.song_ids, caller)))

    async def listed(self, page: Page) -> Rows:
        """What everybody sees."""

        async def load() -> bytes | ShortLived:
            albums, next_cursor = await self._part(AlbumFilter(listed_only=True), page)
            return await self._with_visible_songs(albums, next_cursor, None)

        return await self._read(LISTED_ALBUMS, page, load)

    async def of_user(self, user: Caller, page: Page) -> Rows:
        """All albums of a user, in any state: for that user."""

        async def load() -> bytes | ShortLived:
            albums, next_cursor = await self._part(AlbumFilter(creator_id=user.id), page)
            return await self._with_visible_songs(albums, next_cursor, user)

        return await self._read(albums_of_user(user), page, load)

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
        self, albums: Sequence[Album], next_cursor: str | None, caller: Caller | None
    ) -> bytes | ShortLived:
        """The list, where `songIds` names only songs that the caller may see.

        While nobody can say which those are, none is named, and the list is not kept.
        """
        ids = list(dict.fromkeys(song_id for album in albums for song_id in album.song_ids))
        visible = _ids_of(await self._visible(ids, caller))
        rows = Rows([album_naming_json(album, visible) for album in albums], next_cursor).to_bytes()
        return rows if visible is not None else ShortLived(rows)

    async def _visible(
        self, song_ids: Sequence[str], caller: Principal
    ) -> Sequence[Mapping[str, Any]] | None:
        """Those that the caller may see; None while nobody can say which."""
        if not song_ids:
            return []
        if isinstance(caller, UnverifiedCaller):
            return None
        try:
            return await self._songs.visible(song_ids, caller.token if caller else None)
        except UnavailableError:
            return None

    async def _read(
        self, entry: Entry, page: Page, load: Callable[[], Awaitable[bytes | ShortLived]]
    ) -> Rows:
        """Whole lists through the cache, pages from the store."""
        if page.is_whole_list:
            answer: bytes | ShortLived | None = await self._cache.read(entry, load)
        else:
            answer = await load()
        assert answer is not None  # noqa: S101 - the loader always answers
        return Rows.from_bytes(answer.value if isinstance(answer, ShortLived) else answer)


def _ids_of(songs: Sequence[Mapping[str, Any]] | None) -> set[str] | None:
    return None if songs is None else {song["_id"] for song in songs}
