"""A catalogue with everything that it works with in memory."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from shared.access.caller import Caller
from shared.access.permissions import Role
from shared.cache.read_through import ReadThrough
from shared.cache.writes import Writes
from shared.errors import AppError
from shared.media.cleanup import CleanupJournal
from song_service.caching import Invalidation
from song_service.catalogue import Catalogue
from song_service.domain import Song, SongDetails
from song_service.moving import Moving
from song_service.outbox import Outbox
from song_service.uploading import UnfinishedUploads, Uploading, UploadLimits
from song_service.writing import SongWrites
from tests.shared.directory import Directory
from tests.shared.media import DOWN, Entries, Store
from tests.shared.memory_cache import MemoryCache
from tests.song_service.fake_likes import Likes
from tests.song_service.fakes import Engine, Interactions, Songs
from tests.system.media import audio, image

ARTIST = Caller("a" * 24, "user_art", "Art", Role.ARTIST, is_blocked=False, token="t.o.k")
ALBUM, OTHER, THIRD = "e" * 24, "f" * 24, "d" * 24


class Albums:
    """`Albums`, all of the artist."""

    def __init__(self) -> None:
        self.held: set[tuple[str, str]] = set()
        self.failing: dict[str, AppError] = {}
        self.are_songs_unknown = False

    @property
    def songs(self) -> list[str]:
        return [song_id for _, song_id in self.held]

    def of(self, song: Song) -> set[str]:
        return {album_id for album_id, song_id in self.held if song_id == song.id}

    def _fail_if_armed(self, call: str) -> None:
        if call in self.failing:
            raise self.failing[call]

    async def check_made_by(
        self, album_id: str, token: str, creator_ids: Collection[str]
    ) -> Collection[str] | None:
        self._fail_if_armed("check_made_by")
        return None if self.are_songs_unknown else {song for album, song in self.held if album == album_id}

    async def append(self, album_id: str, song_id: str, token: str) -> None:
        self._fail_if_armed("append")
        self.held.add((album_id, song_id))

    async def take_out(self, album_id: str, song_id: str, token: str) -> None:
        self._fail_if_armed("take_out")
        self.held.discard((album_id, song_id))


class FailingSongs(Songs):
    """`failure` meets who adds a song."""

    failure: AppError | None = None

    async def add(self, song: Song) -> None:
        if self.failure is not None:
            raise self.failure
        await super().add(song)


async def refuse(*_: object) -> None:
    raise DOWN


class World:
    """A catalogue and what it works with; `cover` and `sound` are real files."""

    def __init__(
        self,
        folder: Path,
        *,
        stored_within_seconds: float = 60,
        songs: FailingSongs | None = None,
        albums: Albums | None = None,
    ) -> None:
        self.songs, self.albums = songs or FailingSongs(), albums or Albums()
        self.entries, self.store, self.users = Entries(), Store(), Directory(ARTIST)
        self.redis = MemoryCache()
        self.cache, self.writes = ReadThrough(self.redis), Writes()
        invalidation = Invalidation(self.cache)
        outbox = Outbox(self.songs, Interactions(), Likes(), Engine(), invalidation, poll_seconds=1)
        writes = SongWrites(self.writes, invalidation, outbox)
        unfinished = UnfinishedUploads(self.songs, writes)
        self.journal = CleanupJournal(self.entries, self.store, unfinished.is_in_use, unfinished.roll_back)
        moving = Moving(self.songs, self.albums, writes)
        limits = UploadLimits(60, 10**6, stored_within_seconds)
        self.uploading = Uploading(
            self.songs, self.store, self.journal, self.albums, moving, writes, self.users, limits
        )
        self.catalogue = Catalogue(self.songs, self.journal, moving, writes)
        self.cover, self.sound = folder / "cover", folder / "sound"
        self.cover.write_bytes(image())
        self.sound.write_bytes(audio("wav", 2))

    async def upload(self) -> Song:
        details = SongDetails(title="New", album_id=ALBUM)
        return await self.uploading.add(ARTIST, details, self.cover, self.sound)

    @asynccontextmanager
    async def during_an_upload(self) -> AsyncIterator[asyncio.Task[Song]]:
        """While its audio is stored; awaited afterwards, it commits."""
        self.store.may_store_audio.clear()
        uploading = asyncio.create_task(self.upload())
        async with asyncio.timeout(30):
            await self.store.storing_audio.wait()
        yield uploading
        self.store.may_store_audio.set()

    def holds_nothing(self) -> bool:
        return not self.songs.kept and not self.store.media and not self.albums.songs
