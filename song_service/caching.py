"""What the song service caches, under the documented keys, and what invalidates it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from shared.cache.dependencies import Dependencies
from shared.cache.entry import Entry
from shared.cache.read_through import ReadThrough
from shared.http.pagination import MAX_PAGE
from song_service.domain import Song

MINUTE = 60

FALLBACK_SECONDS = 5
"""Time to live of fallback recommendations: short, so that the engine is called again soon."""

SONGS = "songs"
"""The tag of content that depends on every song."""

LISTINGS = "songs:listed"
"""The tag of content that depends on the set of listed songs, but not on their titles."""

RECOMMENDATIONS = "recommendations"
"""The tag of recommendations that the engine could not fill: it may fill them after the next sync."""

INTERACTIONS = "interactions"
"""The tag of content that says that nobody has listened yet."""

SHORT_PAGE = 50
"""Up to so many songs a list depends on each of them instead of on all songs (MAX_TAGS of the gateway)."""


def song_tags(song_ids: Iterable[str]) -> list[str]:
    """The tags of these songs, listed or not; albums in the album service depend on them as well."""
    return [f"song:{song_id}" for song_id in song_ids]


def _artist_tag(artist_id: str) -> str:
    return f"songs:of:{artist_id}"


def _listener_tag(user_id: str) -> str:
    return f"recommendations:user:{user_id}"


LISTED_SONGS = Entry("songs:all:public", "songs:all:public", 5 * MINUTE, (SONGS,), is_shared=True)
COUNT_OF_LISTED_SONGS = Entry("songs:all:public:count", "songs:all:public:count", MINUTE, (LISTINGS,))
TRENDING = Entry("recommendations:trending", "recommendations:trending", 5 * MINUTE, ())
GENRES = Entry("songs:genres", "songs:genres", 5 * MINUTE, (SONGS,), is_shared=True)
NEWEST = Entry("songs:newest", "songs:newest", 5 * MINUTE, (LISTINGS,))
MOST_PLAYED = Entry("interactions:most-played", "interactions:most-played", FALLBACK_SECONDS, ())
"""This and the recommendations are ids only: the songs are read separately."""


def one_song(song_id: str) -> Entry:
    """A listed song, as everybody sees it."""
    return Entry("song", f"song:{song_id}", 10 * MINUTE, tuple(song_tags([song_id])), is_shared=True)


def songs_of_artist(artist_id: str) -> Entry:
    """All songs of an artist, as the artist sees them."""
    return Entry("artist:songs", f"artist:{artist_id}:songs", 5 * MINUTE, (_artist_tag(artist_id),))


def first_page(whole_list: Entry, limit: int) -> Entry:
    """The first page of a list."""
    return replace(whole_list, kind=f"{whole_list.kind}:first", key=f"{whole_list.key}:first:{limit}")


def listed_page(limit: int) -> Entry:
    """The first page of listed songs: a short one depends on which songs are listed, and on those on it."""
    page = first_page(LISTED_SONGS, limit)
    return replace(page, tags=(LISTINGS,)) if limit <= SHORT_PAGE else page


def first_pages(whole_list: Entry) -> list[Entry]:
    """All first pages of a list."""
    return [first_page(whole_list, limit) for limit in range(1, MAX_PAGE + 1)]


def similar_to(song_id: str) -> Entry:
    """Songs like this one, as everybody sees them."""
    key = f"recommendations:similar:{song_id}"
    tags = tuple(song_tags([song_id]))
    return Entry("recommendations:similar", key, 10 * MINUTE, tags, is_shared=True)


def newest_like(song_id: str) -> Entry:
    """The fallback for `similar_to`."""
    key = f"songs:newest:like:{song_id}"
    return Entry("songs:newest:like", key, 5 * MINUTE, (LISTINGS, *song_tags([song_id])))


def for_listener(user_id: str) -> Entry:
    """Songs for this listener."""
    return Entry(
        "recommendations:user", f"recommendations:user:{user_id}", 10 * MINUTE, (_listener_tag(user_id),)
    )


async def read_with_tags(
    dependencies: Dependencies, read: Callable[[], Awaitable[Sequence[Song]]]
) -> Sequence[Song]:
    """The songs that `read` returns, read again until the versions of all their tags were read before."""
    while True:
        songs = await read()
        if not await dependencies.add(*song_tags(song.id for song in songs)):
            return songs


class Invalidation:
    """What a change invalidates. Called before the change is acknowledged."""

    def __init__(self, cache: ReadThrough) -> None:
        self._cache = cache

    async def forget_song(self, song_id: str) -> None:
        """Delete all keys of a deleted song from Redis. Raises UnavailableError."""
        entries = (one_song(song_id), similar_to(song_id), newest_like(song_id))
        await self._cache.forget([entry.key for entry in entries], song_tags([song_id]))

    async def forget_user(self, user_id: str) -> None:
        """Delete all keys in Redis that name a deleted user.

        Raises:
            UnavailableError: Redis is down.
        """
        own_songs = songs_of_artist(user_id)
        lists = [for_listener(user_id), own_songs, *first_pages(own_songs)]
        keys = [entry.key for entry in lists]
        await self._cache.forget(keys, [_artist_tag(user_id), _listener_tag(user_id)])

    async def song_changed(self, song: Song, *, is_relisted: bool = True) -> None:
        """Added, changed or removed: the song, its artist's songs, every list of songs, albums with it.

        `is_relisted`: whether it was added or removed, or its visibility changed.
        """
        tags = [*song_tags([song.id]), _artist_tag(song.artist_id), SONGS]
        await self._cache.invalidate(*tags, *([LISTINGS] if is_relisted else []))

    async def songs_synced(self) -> None:
        """Songs were synced to the engine: invalidates recommendations that it could not fill."""
        await self._cache.invalidate(RECOMMENDATIONS)

    async def interactions_synced(self, user_ids: set[str]) -> None:
        """Interactions of these users were synced to the engine: invalidates their recommendations."""
        tags = [_listener_tag(user_id) for user_id in sorted(user_ids)]
        await self._cache.invalidate(*tags, INTERACTIONS)
