"""Uploading a song: its document, media and album entry are all stored, or none of them.

Media are written to the cleanup journal (shared/media/cleanup.py) before they are stored, so that the
leftovers of a failure or of a killed process are deleted later. An upload may take many minutes, so the
artist is looked up again when it commits: the account may be deleted, blocked, demoted or renamed since.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from shared.access.caller import Caller
from shared.access.permissions import Permission
from shared.access.user_directory import still_allowed
from shared.clock import now
from shared.errors import AppError, UnavailableError
from shared.ids import id_in, new_id, new_public_id
from shared.media.cleanup import CleanupJournal
from shared.media.images import check_image
from shared.ports import MediaRef, MediaStore, StoredAudio, StoredImage, UserDirectory
from song_service.audio import AudioFacts, inspect_audio
from song_service.domain import Song, SongDetails, SongNotFoundError, values_of
from song_service.moving import Moving
from song_service.ports import Albums, SongRepository
from song_service.writing import SongWrites

FOLDER = "songs"
"""Where media of songs are in the media store: `songs/{id}/…`."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """The limits of audio and images, and of the time to check and store them.

    `stored_within_seconds`, together with the time to commit, is less than the gateway's timeout for uploads,
    or the song would appear after a 504.
    """

    max_audio_seconds: float
    max_image_pixels: int
    stored_within_seconds: float = 150.0


class Uploading:
    """New songs of artists."""

    def __init__(
        self,
        songs: SongRepository,
        media: MediaStore,
        journal: CleanupJournal,
        albums: Albums,
        moving: Moving,
        writes: SongWrites,
        users: UserDirectory,
        limits: UploadLimits,
    ) -> None:
        self._songs = songs
        self._media = media
        self._journal = journal
        self._albums = albums
        self._moving = moving
        self._writes = writes
        self._users = users
        self._limits = limits

    async def add(self, artist: Caller, details: SongDetails, image: Path, audio: Path) -> Song:
        """A new song of `artist` from these files.

        Raises:
            UnsupportedMediaError: a file is not of an accepted type.
            InvalidError: the album does not belong to the artist.
            NotRegisteredError, BlockedError, RoleError: the artist may not upload any more.
            UnavailableError: the media store, or the album or user service, is down, or all of it takes too
                long.
        """
        song_id, moment = new_id(), now()
        cover = MediaRef(new_public_id(f"{FOLDER}/{song_id}", "cover"), "image")
        recording = MediaRef(new_public_id(f"{FOLDER}/{song_id}", "audio"), "video")
        try:
            async with asyncio.timeout(self._limits.stored_within_seconds):
                facts = await self._check(artist, details, image, audio)
                async with self._journal.uploading([cover, recording]):
                    stored_image, stored_audio = await self._store(image, cover, audio, recording)
        except TimeoutError as failure:
            raise UnavailableError("The upload took too long; try again later") from failure
        song = Song(
            **values_of(replace(details, genre=details.genre or facts.genre)),
            id=song_id,
            artist_id=artist.id,
            artist_name=artist.full_name,
            image=stored_image,
            audio=stored_audio,
            duration=facts.duration,
            is_visible=True,
            created_at=moment,
            updated_at=moment,
        )
        try:
            async with self._journal.committing([cover, recording]):
                current = await still_allowed(self._users, artist, Permission.UPLOAD_SONGS)
                song = replace(song, artist_name=current.full_name)
                async with self._writes.around(song):
                    await self._songs.add(song)
                if song.album_id is not None:
                    await self._albums.append(song.album_id, song.id, artist.token)
        except AppError:
            if song.album_id is not None:
                await self._moving.leave(artist, song, song.album_id)
            raise
        return song

    async def _check(self, artist: Caller, details: SongDetails, image: Path, audio: Path) -> AudioFacts:
        _, facts = await asyncio.gather(
            check_image(image, self._limits.max_image_pixels),
            inspect_audio(audio, self._limits.max_audio_seconds),
        )
        if details.album_id is not None:
            await self._albums.check_made_by(details.album_id, artist.token, {artist.id})
        return facts

    async def _store(
        self, image: Path, cover: MediaRef, audio: Path, recording: MediaRef
    ) -> tuple[StoredImage, StoredAudio]:
        """Both at the same time; when one fails the other is awaited, so that the rollback comes after it."""
        storing_image = asyncio.create_task(self._media.upload_image(image, cover.public_id))
        storing_audio = asyncio.create_task(self._media.upload_audio(audio, recording.public_id))
        await asyncio.gather(storing_image, storing_audio, return_exceptions=True)
        return storing_image.result(), storing_audio.result()


class UnfinishedUploads:
    """For the cleanup journal: whether a song uses a medium, and how to roll back an upload.

    Media that are not in `FOLDER` are not ours: they count as used, and nothing is rolled back.
    """

    def __init__(self, songs: SongRepository, writes: SongWrites) -> None:
        self._songs = songs
        self._writes = writes

    async def is_in_use(self, media: MediaRef) -> bool:
        """Whether an existing song uses it."""
        song_id = id_in(media.public_id, FOLDER)
        if song_id is None:
            return True
        try:
            await self._songs.get(song_id)
        except SongNotFoundError:
            return False
        return True

    async def roll_back(self, media: MediaRef) -> None:
        """Delete the song of an uncommitted upload, if there is one."""
        song_id = id_in(media.public_id, FOLDER)
        if song_id is None:
            return
        with suppress(SongNotFoundError):
            song = await self._songs.get(song_id)
            async with self._writes.around(song):
                await self._songs.remove(song.id)
