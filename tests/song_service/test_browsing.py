"""How many songs there are, for everybody who asks."""

from shared.cache import ReadThrough
from song_service.browsing import Browsing
from song_service.caching import Staleness
from song_service.ports import SongFilter
from tests.repositories.builders import a_song
from tests.shared.memory_cache import MemoryCache
from tests.song_service.fakes import Songs

LISTED = SongFilter(listed_only=True)


async def test_listed_songs_are_counted_once_until_one_changes() -> None:
    cache, songs, song = ReadThrough(MemoryCache()), Songs(), a_song()
    browsing = Browsing(songs, cache, 1000)
    assert await browsing.count(LISTED) == 0
    await songs.add(song)
    assert await browsing.count(LISTED) == 0
    assert await browsing.count(SongFilter()) == 1
    await Staleness(cache).song_changed(song)
    assert await browsing.count(LISTED) == 1
