"""Reading albums: one with its songs, and lists, each only as its caller may see it."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

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
from album_service.precondition import etag_of
from album_service.schemas import album_json, album_naming_json, album_with_songs_json
from shared.access.caller import Caller, Principal, UnverifiedCaller, not_found_as_unavailable
from shared.access.permissions import Permission
from shared.cache.dependencies import Dependencies
from shared.cache.entry import Content, Entry, Loaded
from shared.cache.read_through import ReadThrough
from shared.contracts.albums import AlbumWithSongs
from shared.contracts.songs import SongOut
from shared.errors import UnavailableError
from shared.http.pagination import Page, split_page
from shared.http.rows import Rows


@dataclass(frozen=True, slots=True)
class _Note:
    """What the cache holds besides the public view: whether that view is complete."""

    has_every_song: bool
    revision: int
    member_ids: Sequence[str]

    @classmethod
    def of(cls, album: Album, *, has_every_song: bool) -> Self:
        return cls(has_every_song, album.revision, (album.creator_id, *album.collaborator_ids))

    def to_text(self) -> str:
        return json.dumps([self.has_every_song, self.revision, *self.member_ids])

    @classmethod
    def from_text(cls, text: str) -> Self:
        has_every_song, revision, *member_ids = json.loads(text)
        return cls(has_every_song, revision, member_ids)


class Browsing:
    """Albums as JSON; the public view and a creator's own lists are cached."""

    def __init__(
        self, albums: AlbumRepository, songs: Songs, cache: ReadThrough, whole_list_limit: int
    ) -> None:
        self._albums = albums
        self._songs = songs
        self._cache = cache
        self._whole_list_limit = whole_list_limit

    async def one(self, album_id: str, caller: Principal) -> Content:
        """The album with the songs that the caller may see.

        The cache holds the public view, and whether it shows all songs of the album: then it is correct for
        every caller but the creator and the collaborators, who also see the collaborators. Otherwise a known
        caller may see more, such as an own hidden song, and is served from the database. Hidden and removed
        songs cannot be distinguished here, so this includes albums with removed songs. While the database or
        the caller's user cannot be read, they get the public view, marked as possibly incomplete.

        Raises:
            AlbumNotFoundError: there is none, or not for this caller.
            UnavailableError: it is not public, and the caller's user cannot be read now.
        """

        async def load(dependencies: Dependencies) -> Loaded | None:
            album = await self._albums.get(album_id)
            if not album.is_listed:
                return None
            await dependencies.add(*song_tags(album.song_ids))
            songs = await self._visible(album.song_ids, None)
            has_every_song = songs is None or len(songs) == len(album.song_ids)
            note = _Note.of(album, has_every_song=has_every_song).to_text()
            if songs is None:
                return Loaded(album_with_songs_json(album, [], are_all=False), note, ttl_seconds=0)
            return Loaded(album_with_songs_json(album, songs), note)

        with not_found_as_unavailable(caller):
            kept = await self._cache.read_dependent(one_album(album_id), load)
            if kept is not None:
                note = _Note.from_text(kept.note)
                etag = etag_of(note.revision, kept.etag)
                kept = replace(kept, etag=etag, not_for=tuple(note.member_ids))
                is_member = isinstance(caller, Caller) and caller.id in note.member_ids
                if note.has_every_song and not is_member:
                    return kept
                if caller is None:
                    return replace(kept, is_shared=False)
            album = await self._albums.get(album_id)
            policy.check_may_see(caller, album)
        listed = [] if kept is None else AlbumWithSongs.model_validate_json(kept.body).songs
        return await self._fresh(album, caller, listed)

    async def _fresh(self, album: Album, caller: Principal, listed: Sequence[SongOut]) -> Content:
        """The album for this caller; with the listed songs while the song service is down."""
        is_member = policy.sees_collaborators(caller, album)
        songs = await self._visible(album.song_ids, caller)
        shown = listed if songs is None else songs
        body = album_with_songs_json(album, shown, are_all=songs is not None, is_member=is_member)
        content = Content.of(Loaded(body))
        return replace(content, etag=etag_of(album.revision, content.etag))

    async def shared(self, album: Album) -> Content:
        """The album for anybody who has a link, with its listed songs."""
        return await self._fresh(album, None, [])

    async def changed(self, album: Album, caller: Caller) -> Content:
        """The response to a change of an album.

        The change is done, so it succeeds while the song service is down: the response then names no songs.
        """
        is_member = policy.sees_collaborators(caller, album)
        if caller.may(Permission.SEE_EVERYTHING):
            body = album_json(album, is_member=is_member)
        else:
            visible = _ids_of(await self._visible(album.song_ids, caller))
            body = album_naming_json(album, visible, is_member=is_member)
        return replace(Content.of(Loaded(body)), etag=etag_of(album.revision))

    async def listed(self, page: Page) -> Content:
        """The public view."""

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

    def collaborations(self, user: Caller) -> AlbumFilter:
        """The albums on which the user collaborates."""
        return AlbumFilter(collaborator_id=user.id, visible_only=True)

    async def of_collaborator(self, user: Caller, page: Page) -> Content:
        """The albums on which the user collaborates. Not cached: only that user reads them."""
        albums, next_cursor = await self._part(self.collaborations(user), page)
        return Content.of(await self._with_visible_songs(albums, next_cursor, user))

    async def as_everybody_sees(self, albums: Sequence[Album], next_cursor: str | None) -> Content:
        """These albums, naming the songs that everybody may see."""
        return Content.of(await self._with_visible_songs(albums, next_cursor, None))

    async def all(self, page: Page) -> Content:
        """All albums in any state, with all their songs: for admins."""
        albums, next_cursor = await self._part(AlbumFilter(), page)
        return Rows([album_json(album) for album in albums], next_cursor).content()

    async def count(self, wanted: AlbumFilter) -> int:
        """The number of matching albums; cached for public filters."""

        async def load() -> bytes:
            return str(await self._albums.count(wanted)).encode()

        if wanted != AlbumFilter(listed_only=True):
            return int(await load())
        kept = await self._cache.read(COUNT_OF_LISTED_ALBUMS, load)
        return int(kept.body)

    async def _part(self, wanted: AlbumFilter, page: Page) -> tuple[list[Album], str | None]:
        binding = f"albums {wanted}"
        part = page.to_slice(self._whole_list_limit, binding)
        return split_page(await self._albums.list(wanted, part), part, binding)

    async def _with_visible_songs(
        self, albums: Sequence[Album], next_cursor: str | None, caller: Caller | None
    ) -> Loaded:
        """The list, where `songIds` names only songs that the caller may see.

        While the song service is down none is named, and the list is not cached.
        """
        ids = list(dict.fromkeys(song_id for album in albums for song_id in album.song_ids))
        visible = _ids_of(await self._visible(ids, caller))
        rows = Rows(
            [
                album_naming_json(album, visible, is_member=policy.sees_collaborators(caller, album))
                for album in albums
            ],
            next_cursor,
        )
        return rows.loaded(ttl_seconds=None if visible is not None else 0)

    async def _visible(self, song_ids: Sequence[str], caller: Principal) -> Sequence[SongOut] | None:
        """Those that the caller may see; None while the song service is down."""
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

        The content's `note` is the cursor.
        """
        if page.cursor is not None:
            return Content.of(await load())
        return await self._cache.read(entry if page.limit is None else first_page(entry, page.limit), load)


def _ids_of(songs: Sequence[SongOut] | None) -> set[str] | None:
    return None if songs is None else {song.id for song in songs}
