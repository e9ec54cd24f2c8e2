"""What the album service caches, under the documented keys, and the one table of what makes it stale."""

from album_service.domain import Album
from shared.access.caller import Caller
from shared.access.user_directory import user_tag
from shared.cache.read_through import Entry, ReadThrough

MINUTE = 60

ALBUMS = "albums"
"""The tag of all lists of albums."""

SONGS = "songs"
"""The song service's tag of everything that shows a song, as albums do."""


def _album_tag(album_id: str) -> str:
    return f"album:{album_id}"


LISTED_ALBUMS = Entry("albums:all:public", "albums:all:public", 5 * MINUTE, (ALBUMS, SONGS))
COUNT_OF_LISTED_ALBUMS = Entry("albums:all:public:count", "albums:all:public:count", MINUTE, (ALBUMS,))


def one_album(album_id: str) -> Entry:
    """A listed album with its listed songs, as everybody sees it."""
    return Entry("album", f"album:{album_id}", 10 * MINUTE, (_album_tag(album_id), SONGS))


def albums_of_user(user: Caller) -> Entry:
    """All albums of a user, as that user sees them: a role decides which songs they name."""
    tags = (ALBUMS, SONGS, user_tag(user.clerk_id))
    return Entry("user:albums", f"user:{user.id}:albums", 5 * MINUTE, tags)


class Invalidation:
    """What a change makes stale. Called before the change is answered."""

    def __init__(self, cache: ReadThrough) -> None:
        self._cache = cache

    async def album_changed(self, album: Album) -> None:
        """Added, changed or removed: the album and every list of albums."""
        await self._cache.invalidate(_album_tag(album.id), ALBUMS)
