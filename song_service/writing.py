"""Steps after each write of a song."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from shared.cache.writes import Writes
from song_service.caching import Invalidation
from song_service.domain import Song, SongChanges
from song_service.outbox import Outbox


class SongWrites:
    """Invalidates caches and wakes the outbox after a write, whatever its outcome."""

    def __init__(self, writes: Writes, invalidation: Invalidation, outbox: Outbox) -> None:
        self._writes = writes
        self._invalidation = invalidation
        self._outbox = outbox

    def around(self, song: Song, changes: SongChanges | None = None) -> AbstractAsyncContextManager[None]:
        """A context manager around each write of the song; without `changes` it is added or removed."""
        is_relisted = changes is None or not changes.keys().isdisjoint({"is_public", "is_visible"})
        return self._writes.then(partial(self._announce, song, is_relisted=is_relisted))

    async def _announce(self, song: Song, *, is_relisted: bool) -> None:
        await self._invalidation.song_changed(song, is_relisted=is_relisted)
        self._outbox.wake()
