"""Reading songs: one, many and lists of them, each only as its caller may see it."""

import json
from collections.abc import Sequence
from contextlib import suppress

from shared.access.caller import Principal, not_found_as_unavailable
from shared.cache.dependencies import Dependencies
from shared.cache.entry import Content, Entry, Loaded
from shared.cache.read_through import ReadThrough
from shared.http.pagination import Page, Slice, split_page
from shared.http.rows import Rows
from song_service import policy
from song_service.caching import (
    COUNT_OF_LISTED_SONGS,
    LISTED_SONGS,
    first_page,
    listed_page,
    one_song,
    read_with_tags,
    songs_of_artist,
)
from song_service.domain import Song, SongNotFoundError
from song_service.ports import SongFilter, SongRepository
from song_service.schemas import song_json


class Browsing:
    """Songs as JSON; the public view and an artist's own list are cached."""

    def __init__(self, songs: SongRepository, cache: ReadThrough, whole_list_limit: int) -> None:
        self._songs = songs
        self._cache = cache
        self._whole_list_limit = whole_list_limit

    async def listed_song(self, song_id: str) -> Content | None:
        """The song as everybody sees it, from the cache; None when there is none, or it is not listed."""

        async def load() -> bytes | None:
            with suppress(SongNotFoundError):
                song = await self._songs.get(song_id)
                return song_json(song) if song.is_listed else None
            return None

        return await self._cache.read(one_song(song_id), load)

    async def one(self, song_id: str, caller: Principal) -> Content:
        """The song. Only the public view is cached; the rest is read and checked each time.

        Raises:
            SongNotFoundError: there is none, or not for this caller.
            UnavailableError: it is not public, and the caller's user cannot be read now.
        """
        listed = await self.listed_song(song_id)
        return listed or Content.of(Loaded(song_json(await self.song(song_id, caller))))

    async def song(self, song_id: str, caller: Principal) -> Song:
        """The song itself, from the store. Raises what `one` does."""
        with not_found_as_unavailable(caller):
            song = await self._songs.get(song_id)
            policy.check_may_see(caller, song)
        return song

    async def duration(self, song_id: str, caller: Principal) -> int:
        """The length of the song in seconds. Raises what `one` does."""
        listed = await self.listed_song(song_id)
        if listed is None:
            return (await self.song(song_id, caller)).duration
        duration: int = json.loads(listed.body)["duration"]
        return duration

    async def batch(self, song_ids: Sequence[str], caller: Principal) -> Rows:
        """Returns the songs that exist and that the caller may see, in the order of the request, with
        repetitions.

        An unverified caller gets the listed ones.
        """
        found = {song.id: song for song in await self._songs.get_many(list(dict.fromkeys(song_ids)))}
        shown = {each: song_json(song) for each, song in found.items() if policy.may_see(caller, song)}
        return Rows([shown[each] for each in song_ids if each in shown])

    async def listed(self, page: Page) -> Content:
        """The public view."""
        if page.limit is None or page.cursor is not None:
            return await self._list(SongFilter(listed_only=True), page, LISTED_SONGS)
        wanted = SongFilter(listed_only=True)
        part = page.to_slice(self._whole_list_limit, _binding(wanted))

        async def load(dependencies: Dependencies) -> Loaded:
            found = await read_with_tags(dependencies, lambda: self._songs.list(wanted, part))
            return _rows(found, part, wanted)

        return await self._cache.read_dependent(listed_page(page.limit), load)

    async def of_artist(self, artist_id: str, page: Page) -> Content:
        """All songs of an artist, in any state: for that artist."""
        return await self._list(SongFilter(artist_id=artist_id), page, songs_of_artist(artist_id))

    async def all(self, page: Page) -> Content:
        """All songs in any state: for admins."""
        return await self._list(SongFilter(), page, None)

    async def count(self, wanted: SongFilter) -> int:
        """The number of matching songs; cached for public filters."""

        async def load() -> bytes:
            return str(await self._songs.count(wanted)).encode()

        if wanted != SongFilter(listed_only=True):
            return int(await load())
        kept = await self._cache.read(COUNT_OF_LISTED_SONGS, load)
        return int(kept.body)

    async def _list(self, wanted: SongFilter, page: Page, entry: Entry | None) -> Content:
        """Whole lists and first pages through the cache, further pages from the store.

        The content's `note` is the cursor.
        """

        async def load() -> Loaded:
            part = page.to_slice(self._whole_list_limit, _binding(wanted))
            return _rows(await self._songs.list(wanted, part), part, wanted)

        if entry is None or page.cursor is not None:
            return Content.of(await load())
        return await self._cache.read(entry if page.limit is None else first_page(entry, page.limit), load)


def _binding(wanted: SongFilter) -> str:
    return f"songs {wanted}"


def _rows(found: Sequence[Song], part: Slice, wanted: SongFilter) -> Loaded:
    """A page; the note is its cursor."""
    shown, next_cursor = split_page(found, part, _binding(wanted))
    return Rows([song_json(song) for song in shown], next_cursor).loaded()
