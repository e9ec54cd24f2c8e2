"""What the song service caches, under the documented keys, and the one table of what makes it stale."""

from shared.cache.read_through import Entry, ReadThrough
from song_service.domain import Song

MINUTE = 60

STAND_IN_SECONDS = 5
"""What stands in for the engine's word: it costs a crowd once, and the engine is heard soon."""

SONGS = "songs"
"""The tag of everything that shows any song: lists, recommendations, and albums in the album service."""

RECOMMENDATIONS = "recommendations"


def _song_tag(song_id: str) -> str:
    return f"song:{song_id}"


def _listener_tag(user_id: str) -> str:
    return f"recommendations:user:{user_id}"


LISTED_SONGS = Entry("songs:all:public", "songs:all:public", 5 * MINUTE, (SONGS,))
COUNT_OF_LISTED_SONGS = Entry("songs:all:public:count", "songs:all:public:count", MINUTE, (SONGS,))
TRENDING = Entry("recommendations:trending", "recommendations:trending", 5 * MINUTE, (SONGS, RECOMMENDATIONS))
MOST_PLAYED = Entry("interactions:most-played", "interactions:most-played", STAND_IN_SECONDS, ())
"""Ids only: whoever reads them looks at the songs afresh."""


def one_song(song_id: str) -> Entry:
    """A listed song, as everybody sees it."""
    return Entry("song", f"song:{song_id}", 10 * MINUTE, (_song_tag(song_id),))


def songs_of_artist(artist_id: str) -> Entry:
    """All songs of an artist, as the artist sees them."""
    return Entry("artist:songs", f"artist:{artist_id}:songs", 5 * MINUTE, (SONGS,))


def similar_to(song_id: str) -> Entry:
    """Songs like this one, as everybody sees them."""
    return Entry(
        "recommendations:similar", f"recommendations:similar:{song_id}", 10 * MINUTE, (SONGS, RECOMMENDATIONS)
    )


def for_listener(user_id: str) -> Entry:
    """Songs for this listener."""
    return Entry(
        "recommendations:user",
        f"recommendations:user:{user_id}",
        10 * MINUTE,
        (SONGS, RECOMMENDATIONS, _listener_tag(user_id)),
    )


class Invalidation:
    """What a change makes stale, in the words of the product. Called before the change is answered."""

    def __init__(self, cache: ReadThrough) -> None:
        self._cache = cache

    async def song_changed(self, song: Song) -> None:
        """Added, changed or removed: the song, every list of songs, albums, recommendations."""
        await self._cache.invalidate(_song_tag(song.id), SONGS, RECOMMENDATIONS)

    async def engine_heard_of_songs(self) -> None:
        """The engine has learnt what songs there are: what it says of any."""
        await self._cache.invalidate(RECOMMENDATIONS)

    async def engine_heard_of(self, user_ids: set[str]) -> None:
        """The engine has learnt what these listeners did: their own recommendations."""
        await self._cache.invalidate(*(_listener_tag(user_id) for user_id in sorted(user_ids)))
