"""Steps after each write of an album."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from album_service.caching import Invalidation
from album_service.domain import Album
from shared.cache.writes import Writes


class AlbumWrites:
    """Invalidates caches after a write, whatever its outcome."""

    def __init__(self, writes: Writes, invalidation: Invalidation) -> None:
        self._writes = writes
        self._invalidation = invalidation

    def around(self, album: Album) -> AbstractAsyncContextManager[None]:
        """A context manager around each write of the album."""
        return self._writes.then(partial(self._invalidation.album_changed, album))
