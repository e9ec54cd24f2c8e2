"""What the user service calls when an account changes or is deleted. Every call is idempotent."""

from shared.http.pagination import Cursor, Slice
from song_service.caching import Invalidation
from song_service.catalogue import Catalogue
from song_service.domain import Song
from song_service.library_ports import HistoryRepository, LikeRepository, PlayStatistics
from song_service.ports import RecommendationEngine, SongFilter, SongRepository
from song_service.writing import SongWrites

BATCH = 50
"""Songs that one call deletes: their media are removed at the store, which takes a while."""


class Accounts:
    """Songs, likes and history of one user."""

    def __init__(
        self,
        songs: SongRepository,
        catalogue: Catalogue,
        writes: SongWrites,
        likes: LikeRepository,
        history: HistoryRepository,
        statistics: PlayStatistics,
        engine: RecommendationEngine,
        invalidation: Invalidation,
    ) -> None:
        self._songs = songs
        self._catalogue = catalogue
        self._writes = writes
        self._likes = likes
        self._history = history
        self._statistics = statistics
        self._engine = engine
        self._invalidation = invalidation

    async def rename(self, user_id: str, full_name: str) -> None:
        """Set the artist's name in all their songs."""
        after: Cursor | None = None
        while songs := await self._songs.list(SongFilter(artist_id=user_id), Slice(BATCH, after)):
            for song in songs:
                if song.artist_name != full_name:
                    await self._rename(song, full_name)
            after = Cursor.of(songs[-1])

    async def _rename(self, song: Song, full_name: str) -> None:
        async with self._writes.around(song, {"artist_name": full_name}):
            await self._songs.change(song.id, {"artist_name": full_name})

    async def delete(self, user_id: str) -> int:
        """Delete some of the artist's songs; when none are left, also likes, history and the data in the
        engine.

        Returns the number of songs that are known to remain: 0 when all is done.

        Raises:
            UnavailableError: the engine or the database is down.
        """
        songs = await self._songs.list(SongFilter(artist_id=user_id), Slice(BATCH))
        for song in songs:
            await self._catalogue.remove(None, song)
            await self._invalidation.forget_song(song.id)
        if songs:
            return len(songs)
        await self._likes.remove_of_user(user_id)
        await self._history.remove_of_user(user_id)
        await self._statistics.remove_listener(user_id)
        await self._engine.delete_user(user_id)
        await self._invalidation.forget_user(user_id)
        return 0
