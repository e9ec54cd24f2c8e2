"""Lists and counts of songs for every caller."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.access.caller import Caller, UnverifiedCaller
from shared.access.permissions import Role
from shared.cache.read_through import ReadThrough
from shared.errors import UnavailableError
from shared.http.pagination import Page
from song_service.browsing import Browsing
from song_service.caching import Invalidation
from song_service.domain import SongNotFoundError
from song_service.ports import SongFilter
from tests.repositories.builders import a_song
from tests.shared.memory_cache import MemoryCache
from tests.song_service.fakes import Songs

LISTED = SongFilter(listed_only=True)
UNKNOWN = UnverifiedCaller(UnavailableError("The user service is not available now"))


async def test_listed_songs_are_counted_once_until_one_changes() -> None:
    cache, songs, song = ReadThrough(MemoryCache()), Songs(), a_song()
    browsing = Browsing(songs, cache, 1000)
    assert await browsing.count(LISTED) == 0
    await songs.add(song)
    assert await browsing.count(LISTED) == 0
    assert await browsing.count(SongFilter()) == 1
    await Invalidation(cache).song_changed(song)
    assert await browsing.count(LISTED) == 1


async def test_unverified_caller_sees_only_listed_songs() -> None:
    songs, listed = Songs(), a_song()
    private, hidden = a_song(is_public=False), a_song(is_visible=False)
    for each in (listed, private, hidden):
        await songs.add(each)
    cache = MemoryCache()
    browsing = Browsing(songs, ReadThrough(cache), 1000)
    assert json.loads((await browsing.one(listed.id, UNKNOWN)).body)["_id"] == listed.id
    assert (await browsing.song(listed.id, UNKNOWN)) == listed
    for song_id in (private.id, hidden.id, "0" * 24):
        for look in (browsing.one, browsing.song, browsing.duration):
            with pytest.raises(UnavailableError):
                await look(song_id, UNKNOWN)
            with pytest.raises(SongNotFoundError):
                await look(song_id, None)
    rows = await browsing.batch([private.id, listed.id, hidden.id], UNKNOWN)
    assert [song["_id"] for song in json.loads(rows.to_json())] == [listed.id]
    assert len(cache.entries) == 1


async def test_duration_is_that_of_the_song() -> None:
    songs, artist = Songs(), Caller("a" * 24, "user_a", "A", Role.ARTIST, is_blocked=False, token="t.o.k")
    listed = replace(a_song(), duration=3)
    private = replace(a_song(is_public=False), artist_id=artist.id, duration=4)
    for each in (listed, private):
        await songs.add(each)
    browsing = Browsing(songs, ReadThrough(MemoryCache()), 1000)
    assert await browsing.duration(listed.id, None) == 3
    assert await browsing.duration(private.id, artist) == 4
    with pytest.raises(SongNotFoundError):
        await browsing.duration(private.id, replace(artist, id="b" * 24))


async def test_first_page_depends_on_its_own_songs() -> None:
    cache, songs = ReadThrough(MemoryCache()), Songs()
    changes, browsing = Invalidation(cache), Browsing(songs, cache, 1000)
    old, second, new = (a_song(created_at=datetime(2026, month, 1, tzinfo=UTC)) for month in (1, 2, 3))
    for each in (old, second, new):
        await songs.add(each)
    page = Page(limit=1, cursor=None, total=False)
    first = await browsing.listed(page)
    await changes.song_changed(old, is_relisted=False)
    assert await browsing.listed(page) is first
    await changes.song_changed(new, is_relisted=False)
    changed = await browsing.listed(page)
    assert changed is not first
    await changes.song_changed(old)
    assert await browsing.listed(page) is not changed
