"""Adding, changing and removing songs: use cases that span the store, the media and the albums.

Each succeeds or leaves nothing behind. Media are entered in the cleanup journal (shared/media/cleanup.py)
before they are stored, so that what a failure or the death of the process leaves behind is removed later.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from shared.access.caller import Caller
from shared.cache.writes import Writes
from shared.clock import now
from shared.errors import AppError, UnavailableError
from shared.ids import new_id, new_public_id
from shared.media.cleanup import CleanupJournal
from shared.media.images import check_image
from shared.ports import MediaRef, MediaStore, StoredAudio, StoredImage
from song_service.audio import AudioFacts, inspect_audio
from song_service.caching import Invalidation
from song_service.domain import Song, SongChangedMeanwhileError
from song_service.moving import Moving
from song_service.outbox import Outbox
from song_service.ports import Albums, SongChanges, SongRepository
from song_service.schemas import SongFields

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What audio and images are taken, and how long until they are checked and stored.

    `stored_within_seconds`, with what finishing takes after that, is less than the gateway waits for the
    answer to an upload, or the song would come after its failure.
    """

    max_audio_seconds: float
    max_image_pixels: int
    stored_within_seconds: float = 150.0


class Catalogue:
    """The songs of all artists, with their media and their places in albums."""

    def __init__(
        self,
        songs: SongRepository,
        media: MediaStore,
        keeper: CleanupJournal,
        albums: Albums,
        stale: Invalidation,
        writes: Writes,
        outbox: Outbox,
        limits: UploadLimits,
    ) -> None:
        self._songs = songs
        self._media = media
        self._keeper = keeper
        self._albums = albums
        self._stale = stale
        self._writes = writes
        self._outbox = outbox
        self._limits = limits
        self._moving = Moving(songs, albums, self._write)

    async def add(self, artist: Caller, fields: SongFields, image: Path, audio: Path) -> Song:
        """A new song of `artist` from these files.

        Raises:
            UnsupportedMediaError: a file is not what it should be.
            InvalidError: the album is none of the artist's.
            UnavailableError: the media store, or the album service, is down, or all of it takes too long.
        """
        song_id, moment = new_id(), now()
        refs = [
            MediaRef(new_public_id(f"songs/{song_id}", "cover"), "image"),
            MediaRef(new_public_id(f"songs/{song_id}", "audio"), "video"),
        ]
        try:
            async with asyncio.timeout(self._limits.stored_within_seconds):
                facts = await self._check(artist, fields, image, audio)
                async with self._keeper.uploading(refs):
                    stored_image, stored_audio = await self._store(image, refs[0], audio, refs[1])
        except TimeoutError as failure:
            raise UnavailableError("The upload takes too long now") from failure
        song = Song(
            id=song_id,
            title=fields.title,
            artist_id=artist.id,
            artist_name=artist.full_name,
            image=stored_image,
            audio=stored_audio,
            duration=facts.duration,
            album_id=fields.album_id,
            genre=fields.genre or facts.genre,
            mood=fields.mood,
            is_public=fields.is_public,
            is_visible=True,
            created_at=moment,
            updated_at=moment,
        )
        try:
            async with self._keeper.committing(refs):
                async with self._write(song):
                    await self._songs.add(song)
                if song.album_id is not None:
                    await self._albums.append(song.album_id, song.id, artist.token)
        except AppError:
            if song.album_id is not None:
                await self._moving.leave(artist, song, song.album_id)
            raise
        return song

    async def _check(self, artist: Caller, fields: SongFields, image: Path, audio: Path) -> AudioFacts:
        _, facts = await asyncio.gather(
            check_image(image, self._limits.max_image_pixels),
            inspect_audio(audio, self._limits.max_audio_seconds),
        )
        if fields.album_id is not None:
            await self._albums.check_made_by(fields.album_id, artist.token, {artist.id})
        return facts

    async def _store(
        self, image: Path, image_ref: MediaRef, audio: Path, audio_ref: MediaRef
    ) -> tuple[StoredImage, StoredAudio]:
        """Both at the same time; when one fails the other is waited for, so that the undo comes after it."""
        stored_image, stored_audio = await asyncio.gather(
            self._media.upload_image(image, image_ref.public_id),
            self._media.upload_audio(audio, audio_ref.public_id),
            return_exceptions=True,
        )
        for outcome in (stored_image, stored_audio):
            if isinstance(outcome, BaseException):
                raise outcome
        assert isinstance(stored_image, StoredImage)  # noqa: S101 - narrows what gather answers
        assert isinstance(stored_audio, StoredAudio)  # noqa: S101
        return stored_image, stored_audio

    async def change(self, caller: Caller, song: Song, changes: SongChanges) -> Song:
        """The song after `changes`; into another album only when the caller or the song's artist made that.

        Raises:
            InvalidError: the album is neither's.
            SongNotFoundError: the song was removed meanwhile.
            SongChangedMeanwhileError: others changed the song while it was moved, again and again.
            UnavailableError: the album service is down.
        """
        if not changes:
            return song
        if "album_id" in changes:
            return await self._moving.move(caller, song, changes, changes["album_id"])
        async with self._write(song, changes):
            changed = await self._songs.change(song.id, changes)
        assert changed is not None  # noqa: S101 - only a condition on the revision can miss
        return changed

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
        """A flip holds only while the song is as it was read, so that two at one time are two flips."""
        for _ in range(ATTEMPTS):
            changes = changes_to(not current(song) if wanted is None else wanted)
            revision = song.revision if wanted is None else None
            async with self._write(song, changes):
                changed = await self._songs.change(song.id, changes, if_revision=revision)
            if changed is not None:
                return changed
            song = await self._songs.get(song.id)
        raise SongChangedMeanwhileError

    async def remove(self, caller: Caller, song: Song) -> None:
        """Take the song out of everything: lists, album, engine, caches and the media store."""
        refs = media_of(song)
        await self._keeper.begin_removal(refs)
        async with self._write(song):
            await self._songs.remove(song.id)
        await self._keeper.discard(refs)
        if song.album_id is not None:
            await self._moving.leave(caller, song, song.album_id)

    def _write(self, song: Song, changes: SongChanges | None = None) -> AbstractAsyncContextManager[None]:
        """Around each write of the song; without `changes` it is added or removed."""
        is_relisted = changes is None or not changes.keys().isdisjoint({"is_public", "is_visible"})
        return self._writes.then(partial(self._announce, song, is_relisted=is_relisted))

    async def _announce(self, song: Song, *, is_relisted: bool) -> None:
        await self._stale.song_changed(song, is_relisted=is_relisted)
        self._outbox.wake()


def media_of(song: Song) -> Sequence[MediaRef]:
    """What the song keeps in the media store."""
    return [MediaRef(song.image.public_id, "image"), MediaRef(song.audio.public_id, "video")]
