"""Moving a song from one album to another, while others may move it, too.

Two services keep the song and its albums, without a transaction between them. The song's `album_id`
decides. After each change of it the albums concerned are settled: each is told whether the song names it,
until the song says the same after that as before. So the last one to tell an album has told it what is
true, however many move the song at the same time.
"""

from collections.abc import Set

import structlog

from shared.access.caller import Caller
from shared.errors import AppError, InvalidError
from song_service.domain import Song, SongChangedMeanwhileError, SongChanges, SongNotFoundError
from song_service.ports import Albums, SongRepository
from song_service.writing import SongWrites

ATTEMPTS = 20
"""To change a song that others change, and to settle an album: each of those moving it can get ahead once."""

log = structlog.stdlib.get_logger(__name__)


class Moving:
    """Songs among albums."""

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
        """The song after `changes`, in the album `album_id` alone of those that it named.

        It enters the new album before the change, so that it is never in none. After a failure it leaves the
        album that it has entered, not one that held it before or may have.

        Raises:
            InvalidError: the album is neither the caller's nor the artist's, or full.
            SongNotFoundError: the song was removed meanwhile.
            SongChangedMeanwhileError: others changed the song again and again.
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
                # An album service that knows no such song refuses it as well.
                await self._songs.get(song.id)
            raise

    async def _enter(self, caller: Caller, song: Song, album_id: str, entered: set[str]) -> None:
        held = await self._albums.check_made_by(album_id, caller.token, {caller.id, song.artist_id})
        if held is not None and song.id not in held:
            entered.add(album_id)
        await self._albums.append(album_id, song.id, caller.token)

    async def settle(self, caller: Caller, song: Song, album_ids: Set[str | None]) -> None:
        """Make each of these albums hold the song exactly if the song names it.

        An album that cannot be told now stays as it is; what was changed of the song stands.
        """
        for album_id in filter(None, album_ids):
            try:
                await self._settle(caller, song, album_id)
            except AppError as failure:
                log.warning("album not settled", album=album_id, error=type(failure).__name__)

    async def leave(self, caller: Caller, song: Song, album_id: str) -> None:
        """Take a song that is no more out of this album; one that cannot be told now keeps it."""
        try:
            await self._albums.take_out(album_id, song.id, caller.token)
        except AppError as failure:
            log.warning("album keeps a song that left", album=album_id, error=type(failure).__name__)

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
        """Whether the song names this album now; or did when it was read, if nobody can say."""
        try:
            song = await self._songs.get(song.id)
        except SongNotFoundError:
            return False
        except AppError:
            return song.album_id == album_id
        return song.album_id == album_id
