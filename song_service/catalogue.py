"""Changing and removing songs: use cases that span the store, the media and the albums."""

from collections.abc import Callable, Sequence

from shared.access.caller import Caller
from shared.media.cleanup import CleanupJournal
from shared.ports import MediaRef
from song_service.domain import Song, SongChangedMeanwhileError, SongChanges
from song_service.moving import Moving
from song_service.ports import SongRepository
from song_service.writing import SongWrites

ATTEMPTS = 5


class Catalogue:
    """The songs of all artists."""

    def __init__(
        self, songs: SongRepository, journal: CleanupJournal, moving: Moving, writes: SongWrites
    ) -> None:
        self._songs = songs
        self._journal = journal
        self._moving = moving
        self._writes = writes

    async def change(self, caller: Caller, song: Song, changes: SongChanges) -> Song:
        """The song after `changes`; moved to another album only if that belongs to the caller or the song's
        artist.

        Raises:
            InvalidError: the album belongs to neither.
            SongNotFoundError: the song was deleted in the meantime.
            SongChangedMeanwhileError: concurrent changes exceeded the attempts.
            UnavailableError: the album service is down.
        """
        if not changes:
            return song
        if "album_id" in changes:
            return await self._moving.move(caller, song, changes, changes["album_id"])
        async with self._writes.around(song, changes):
            return await self._songs.change(song.id, changes)

    async def set_public(self, song: Song, wanted: bool | None) -> Song:
        """Set `is_public`; None flips it."""
        return await self._set(song, wanted, lambda each: each.is_public, lambda to: {"is_public": to})

    async def set_visible(self, song: Song, wanted: bool | None) -> Song:
        """Set `is_visible`; None flips it."""
        return await self._set(song, wanted, lambda each: each.is_visible, lambda to: {"is_visible": to})

    async def _set(
        self,
        song: Song,
        wanted: bool | None,
        current: Callable[[Song], bool],
        changes_to: Callable[[bool], SongChanges],
    ) -> Song:
        """A flip is conditional on the revision that was read, so that two concurrent flips both count."""
        for _ in range(ATTEMPTS):
            changes = changes_to(not current(song) if wanted is None else wanted)
            revision = song.revision if wanted is None else None
            async with self._writes.around(song, changes):
                changed = await self._songs.change(song.id, changes, if_revision=revision)
            if changed is not None:
                return changed
            song = await self._songs.get(song.id)
        raise SongChangedMeanwhileError

    async def remove(self, caller: Caller | None, song: Song) -> None:
        """Delete the song everywhere: lists, album, engine, caches and the media store.

        Without `caller`, of a deleted account, its album keeps an id that is shown to nobody.
        """
        media = media_of(song)
        await self._journal.begin_removal(media)
        async with self._writes.around(song):
            await self._songs.remove(song.id)
        await self._journal.discard(media)
        if song.album_id is not None and caller is not None:
            await self._moving.leave(caller, song, song.album_id)


def media_of(song: Song) -> Sequence[MediaRef]:
    """The song's media in the media store."""
    return [MediaRef(song.image.public_id, "image"), MediaRef(song.audio.public_id, "video")]
