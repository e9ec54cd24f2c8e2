"""How many albums there are, for everybody who asks."""

from pathlib import Path

from album_service.browsing import Browsing
from album_service.caching import Invalidation
from album_service.ports import AlbumFilter
from shared.cache.read_through import ReadThrough
from tests.album_service.fakes import NoSongs
from tests.repositories.builders import an_album
from tests.repositories.stores import SqliteStore
from tests.shared.memory_cache import MemoryCache

LISTED = AlbumFilter(listed_only=True)


async def test_listed_albums_are_counted_once_until_one_changes(tmp_path: Path) -> None:
    cache, album = ReadThrough(MemoryCache()), an_album()
    async with SqliteStore(tmp_path).albums() as albums:
        browsing = Browsing(albums, NoSongs(), cache, 1000)
        assert await browsing.count(LISTED) == 0
        await albums.add(album)
        assert await browsing.count(LISTED) == 0
        assert await browsing.count(AlbumFilter(creator_id=album.creator_id)) == 1
        await Invalidation(cache).album_changed(album)
        assert await browsing.count(LISTED) == 1
