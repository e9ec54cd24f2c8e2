"""Moves a song from one album to another, safely under concurrent moves.

Two services store the song and its albums, without a transaction between them. The song's `album_id` decides.
After each change the albums concerned are settled: each gets or loses the song as its `album_id` says, and
this is repeated until `album_id` is the same before and after. So the last update of an album is correct,
whatever the number of concurrent moves.
"""

from collections.abc import Set

import structlog

from shared.access.caller import Caller
from shared.errors import AppError, InvalidError
from song_service.domain import Song, SongChangedMeanwhileError, SongChanges, SongNotFoundError
from song_service.ports import Albums, SongRepository
from song_service.writing import SongWrites

ATTEMPTS = 20
"""For changing a song under concurrent changes, and for settling an album."""

log = structlog.stdlib.get_logger(__name__)


class Moving:
    """Moves songs between albums."""

    def __init__(
        self,
        songs: SongRepository,
        albums: Albums,
        writes: SongWrites,
    ) -> None:
        self._songs = songs
        self._albums = albums
        self._writes = writes

    async def move(self, caller: Caller, song: Song, changes: SongChanges, album_id: str | None) -> Song:
        """The song after `changes`, which is then in the album `album_id` only.

        It enters the new album before the change, so that it is always in one. After a failure it is removed
        from the album that it has entered, unless that may have held it before.

        Raises:
            InvalidError: the album is neither the caller's nor the artist's, or full.
            SongNotFoundError: the song was deleted in the meantime.
            SongChangedMeanwhileError: concurrent changes exceeded the attempts.
            UnavailableError: the album service is down.
        """
        entered: set[str] = set()
        has_entered = False
        try:
            for _ in range(ATTEMPTS):
                if album_id is not None and album_id != song.album_id and not has_entered:
                    await self._enter(caller, song, album_id, entered)
                    has_entered = True
                async with self._writes.around(song, changes):
                    changed = await self._songs.change(song.id, changes, if_revision=song.revision)
                if changed is not None:
                    moved = {song.album_id, album_id} if album_id != song.album_id else set()
                    await self.settle(caller, changed, moved | entered)
                    return changed
                song = await self._songs.get(song.id)
            raise SongChangedMeanwhileError
        except AppError as failure:
            if entered:
                await self.settle(caller, song, {song.album_id, *entered})
            if isinstance(failure, InvalidError):
                # The album service also refuses a song that it does not find.
                await self._songs.get(song.id)
            raise

    async def _enter(self, caller: Caller, song: Song, album_id: str, entered: set[str]) -> None:
        held = await self._albums.check_made_by(album_id, caller.token, {caller.id, song.artist_id})
        if held is not None and song.id not in held:
            entered.add(album_id)
        await self._albums.append(album_id, song.id, caller.token)

    async def settle(self, caller: Caller, song: Song, album_ids: Set[str | None]) -> None:
        """Make each of these albums contain the song if, and only if, it is the song's album.

        An album that cannot be updated now stays as it is; the change of the song remains.
        """
        for album_id in filter(None, album_ids):
            try:
                await self._settle(caller, song, album_id)
            except AppError as failure:
                log.warning("album not settled", album=album_id, error=type(failure).__name__)

    async def leave(self, caller: Caller, song: Song, album_id: str) -> None:
        """Remove a deleted song from this album, unless the album service is down."""
        try:
            await self._albums.take_out(album_id, song.id, caller.token)
        except AppError as failure:
            log.warning("song not removed from album", album=album_id, error=type(failure).__name__)

    async def _settle(self, caller: Caller, song: Song, album_id: str) -> None:
        is_named = await self._is_named(song, album_id)
        for _ in range(ATTEMPTS):
            if is_named:
                await self._albums.append(album_id, song.id, caller.token)
            else:
                await self._albums.take_out(album_id, song.id, caller.token)
            was_named, is_named = is_named, await self._is_named(song, album_id)
            if is_named == was_named:
                return
        raise SongChangedMeanwhileError

    async def _is_named(self, song: Song, album_id: str) -> bool:
        """Whether this is the song's album now; if the song cannot be read, its last known album."""
        try:
            song = await self._songs.get(song.id)
        except SongNotFoundError:
            return False
        except AppError:
            return song.album_id == album_id
        return song.album_id == album_id
