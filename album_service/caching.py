"""What the album service caches, under the documented keys, and what invalidates it."""

from collections.abc import Sequence
from dataclasses import replace

from album_service.domain import Album
from shared.access.caller import Caller
from shared.access.user_directory import user_tag
from shared.cache.entry import Entry
from shared.cache.read_through import ReadThrough
from shared.http.pagination import MAX_PAGE

MINUTE = 60

ALBUMS = "albums"
"""The tag of all lists of everybody's albums."""

SONGS, LISTINGS = "songs", "songs:listed"
"""The song service's tags: of any change of a song, and of changes of the set of listed songs."""

MOST_SONG_TAGS = 200
"""An album with more songs depends on every song: reading so many versions would cost more than it saves."""


def song_tags(song_ids: Sequence[str]) -> list[str]:
    """The song service's tags of these songs, listed or not."""
    return [f"song:{song_id}" for song_id in song_ids] if len(song_ids) <= MOST_SONG_TAGS else [SONGS]


def _album_tag(album_id: str) -> str:
    return f"album:{album_id}"


def _creator_tag(creator_id: str) -> str:
    return f"albums:of:{creator_id}"


LISTED_ALBUMS = Entry(
    "albums:all:public", "albums:all:public", 5 * MINUTE, (ALBUMS, LISTINGS), is_shared=True
)
COUNT_OF_LISTED_ALBUMS = Entry("albums:all:public:count", "albums:all:public:count", MINUTE, (ALBUMS,))


def one_album(album_id: str) -> Entry:
    """A listed album with its listed songs, as everybody sees it; depends on the tags of its songs, too."""
    return Entry("album", f"album:{album_id}", 10 * MINUTE, (_album_tag(album_id),), is_shared=True)


def albums_of_user(user: Caller) -> Entry:
    """All albums of a user, as that user sees them: `songIds` depends on the role."""
    tags = (_creator_tag(user.id), LISTINGS, user_tag(user.clerk_id))
    return Entry("user:albums", f"user:{user.id}:albums", 5 * MINUTE, tags)


def first_page(whole_list: Entry, limit: int) -> Entry:
    """The first page of a list."""
    return replace(whole_list, kind=f"{whole_list.kind}:first", key=f"{whole_list.key}:first:{limit}")


class Invalidation:
    """What a change invalidates. Called before the change is acknowledged."""

    def __init__(self, cache: ReadThrough) -> None:
        self._cache = cache

    async def forget_album(self, album_id: str) -> None:
        """Delete all keys of a deleted album from Redis. Raises UnavailableError."""
        await self._cache.forget([one_album(album_id).key], [_album_tag(album_id)])

    async def forget_user(self, user_id: str) -> None:
        """Delete all keys in Redis that name a deleted user.

        Raises:
            UnavailableError: Redis is down.
        """
        whole = f"user:{user_id}:albums"
        firsts = [f"{whole}:first:{limit}" for limit in range(1, MAX_PAGE + 1)]
        await self._cache.forget([whole, *firsts], [_creator_tag(user_id)])

    async def album_changed(self, album: Album) -> None:
        """Added, changed or removed: the album and every list of albums that may hold it."""
        await self._cache.invalidate(_album_tag(album.id), _creator_tag(album.creator_id), ALBUMS)
