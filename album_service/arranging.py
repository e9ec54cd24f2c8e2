"""The songs of an album, in their order: adding at a position, removing, and reordering."""

from collections.abc import Callable, Sequence

from album_service.domain import (
    Album,
    AlbumChangedError,
    AlbumChangedMeanwhileError,
    AlbumFullError,
    SongInAlbumError,
    SongNotFoundError,
    SongsDifferError,
)
from album_service.ports import AlbumRepository, Songs
from album_service.writing import AlbumWrites
from shared.access.caller import Caller
from shared.ids import is_id

ATTEMPTS = 50
"""An attempt fails when another change of the album succeeded: enough for so many at once."""


Arrange = Callable[[Album, Sequence[str]], Sequence[str]]
"""The song ids of an album after a change, from the album and those of its songs that the caller may see."""


def reordered(song_ids: Sequence[str], wanted: Sequence[str]) -> Sequence[str]:
    """`song_ids` with those of `wanted` in its order; the others keep their positions."""
    seen, rest = set(wanted), iter(wanted)
    return tuple(next(rest) if each in seen else each for each in song_ids)


class Arranging:
    """Each change is applied with optimistic locking: after a concurrent change the album is read again.

    With `if_revision` it is applied at that revision only. All raise AlbumChangedError when the album is at
    another, AlbumChangedMeanwhileError when concurrent changes exceed the attempts, and UnavailableError
    while the song service cannot say which songs the caller may see.
    """

    def __init__(
        self, albums: AlbumRepository, songs: Songs, writes: AlbumWrites, *, most_songs: int
    ) -> None:
        self._albums = albums
        self._songs = songs
        self._writes = writes
        self._most_songs = most_songs

    async def add_song(
        self,
        album: Album,
        song_id: str,
        caller: Caller,
        position: int | None = None,
        if_revision: int | None = None,
    ) -> Album:
        """The album with the song at `position` among those that the caller may see; None: at the end.

        Raises:
            SongNotFoundError: there is no such song, or not for this caller.
            SongInAlbumError, AlbumFullError: the song cannot be added.
        """
        song_id = song_id.lower()
        if not is_id(song_id) or not await self._songs.visible([song_id], caller.token):
            raise SongNotFoundError
        if position is None and if_revision is None:
            return await self._append(album, song_id, caller)

        def insert(at: Album, visible: Sequence[str]) -> Sequence[str]:
            if song_id in at.song_ids:
                raise SongInAlbumError
            # Removed and hidden songs do not count: callers who do not see them could not remove them.
            if len(visible) >= self._most_songs:
                raise AlbumFullError
            if position is None or position >= len(visible):
                return (*at.song_ids, song_id)
            place = at.song_ids.index(visible[position])
            return (*at.song_ids[:place], song_id, *at.song_ids[place:])

        return await self._arrange(album, caller, insert, if_revision)

    async def _append(self, album: Album, song_id: str, caller: Caller) -> Album:
        """Append atomically, whatever others change at the same time."""
        most = self._most_songs
        if len(album.song_ids) >= most:
            most += len(album.song_ids) - len(await self._visible(album, caller))
        async with self._writes.around(album):
            return await self._albums.append_song(album.id, song_id, most)

    async def take_song_out(self, album: Album, song_id: str, if_revision: int | None = None) -> Album:
        """The album without the song.

        Raises:
            SongNotFoundError: it is not in it.
        """
        if if_revision is None:
            async with self._writes.around(album):
                return await self._albums.take_song_out(album.id, song_id)
        if song_id not in album.song_ids:
            raise SongNotFoundError
        rest = tuple(each for each in album.song_ids if each != song_id)
        async with self._writes.around(album):
            changed = await self._albums.change(album.id, {"song_ids": rest}, if_revision=if_revision)
        if changed is None:
            raise AlbumChangedError
        return changed

    async def set_order(
        self, album: Album, song_ids: Sequence[str], caller: Caller, if_revision: int | None = None
    ) -> Album:
        """The album with its songs in this order. Songs that the caller may not see keep their positions.

        Raises:
            SongsDifferError: `song_ids` are not the songs that the caller sees in the album, each once.
        """
        wanted = [each.lower() for each in song_ids]

        def reorder(at: Album, visible: Sequence[str]) -> Sequence[str]:
            if sorted(wanted) != sorted(visible):
                raise SongsDifferError
            return reordered(at.song_ids, wanted)

        return await self._arrange(album, caller, reorder, if_revision)

    async def _arrange(
        self, album: Album, caller: Caller, arrange: Arrange, if_revision: int | None
    ) -> Album:
        for _ in range(ATTEMPTS):
            arranged = tuple(arrange(album, await self._visible(album, caller)))
            async with self._writes.around(album):
                changed = await self._albums.change(
                    album.id, {"song_ids": arranged}, if_revision=album.revision
                )
            if changed is not None:
                return changed
            if if_revision is not None:
                raise AlbumChangedError
            album = await self._albums.get(album.id)
        raise AlbumChangedMeanwhileError

    async def _visible(self, album: Album, caller: Caller) -> Sequence[str]:
        if not album.song_ids:
            return []
        return [song.id for song in await self._songs.visible(album.song_ids, caller.token)]
