"""The contract of `MediaCleanups`."""

import asyncio
from datetime import timedelta
from pathlib import Path

from album_service.caching import Invalidation as AlbumInvalidation
from album_service.editing import UnfinishedUploads as UnfinishedAlbums
from album_service.ports import AlbumRepository
from album_service.writing import AlbumWrites
from embedded.sqlite import schemas
from embedded.sqlite.database import open_database
from embedded.sqlite.media_cleanups import SqliteMediaCleanups
from shared.cache.read_through import ReadThrough
from shared.cache.writes import Writes
from shared.ids import new_id
from shared.ports import MediaCleanups, MediaRef
from song_service.caching import Invalidation
from song_service.outbox import Outbox
from song_service.ports import SongRepository
from song_service.uploading import UnfinishedUploads
from song_service.writing import SongWrites
from tests.repositories.builders import NOON, a_song, an_album, minutes
from tests.shared.memory_cache import MemoryCache
from tests.song_service.fake_likes import Likes
from tests.song_service.fakes import Engine, Interactions

IMAGE = MediaRef("songs/1/雅", "image")
AUDIO = MediaRef("songs/1/雅", "video")
LEASE = timedelta(minutes=5)
MANY = 100


async def claim(cleanups: MediaCleanups, moment: timedelta = timedelta()) -> set[MediaRef]:
    """What is claimed that long after noon."""
    claimed = await cleanups.claim_due(NOON + moment, NOON + moment + LEASE, MANY)
    assert len(claimed) == len(set(claimed))
    return {entry.media for entry in claimed}


async def claim_unfinished(cleanups: MediaCleanups, moment: timedelta) -> dict[MediaRef, bool]:
    """Whether each that is claimed that long after noon is of an unfinished upload."""
    claimed = await cleanups.claim_due(NOON + moment, NOON + moment + LEASE, MANY)
    return {entry.media: entry.unfinished for entry in claimed}


async def test_entry_falls_due_at_its_time(cleanups: MediaCleanups) -> None:
    await cleanups.plan([IMAGE, AUDIO], NOON)
    assert await claim(cleanups, -timedelta(milliseconds=1)) == set()
    assert await claim(cleanups) == {IMAGE, AUDIO}


async def test_kept_media_never_fall_due(cleanups: MediaCleanups) -> None:
    await cleanups.plan([IMAGE, AUDIO], NOON)
    await cleanups.keep([IMAGE])
    await cleanups.keep([IMAGE, MediaRef("unknown", "image")])
    assert await claim(cleanups, minutes(60)) == {AUDIO}


async def test_unmoved_unclaimed_entries_are_finished_once(
    cleanups: MediaCleanups,
) -> None:
    await cleanups.plan([IMAGE, AUDIO], NOON, unfinished=True)
    assert not await cleanups.finish([IMAGE, AUDIO], NOON + minutes(1))
    assert await claim(cleanups) == {IMAGE, AUDIO}
    assert not await cleanups.finish([IMAGE, AUDIO], NOON)
    await cleanups.plan([IMAGE, AUDIO], NOON + minutes(2), unfinished=True)
    assert await cleanups.finish([IMAGE, AUDIO], NOON + minutes(2))
    assert not await cleanups.finish([IMAGE, AUDIO], NOON + minutes(2))
    assert await claim(cleanups, minutes(60)) == set()


async def test_planning_again_moves_the_entry(cleanups: MediaCleanups) -> None:
    await cleanups.plan([IMAGE], NOON)
    await cleanups.plan([IMAGE], NOON + minutes(10))
    assert await claim(cleanups) == set()
    assert await claim(cleanups, minutes(10)) == {IMAGE}
    await cleanups.plan([IMAGE], NOON)
    assert await claim(cleanups) == {IMAGE}


async def test_entry_distinguishes_unfinished_uploads(cleanups: MediaCleanups) -> None:
    await cleanups.plan([IMAGE], NOON, unfinished=True)
    await cleanups.plan([AUDIO], NOON)
    assert await claim_unfinished(cleanups, timedelta()) == {IMAGE: True, AUDIO: False}
    assert await claim_unfinished(cleanups, LEASE) == {IMAGE: True, AUDIO: False}


async def test_last_plan_decides_if_upload_is_unfinished(cleanups: MediaCleanups) -> None:
    await cleanups.plan([IMAGE, AUDIO], NOON)
    await cleanups.plan([IMAGE], NOON, unfinished=True)
    await cleanups.plan([AUDIO], NOON, unfinished=True)
    await cleanups.plan([AUDIO], NOON)
    assert await claim_unfinished(cleanups, timedelta()) == {IMAGE: True, AUDIO: False}


async def test_claimed_entry_falls_due_after_its_lease(cleanups: MediaCleanups) -> None:
    await cleanups.plan([IMAGE], NOON)
    assert await claim(cleanups) == {IMAGE}
    assert await claim(cleanups, LEASE - timedelta(milliseconds=1)) == set()
    assert await claim(cleanups, LEASE) == {IMAGE}


async def test_kept_claimed_entry_is_removed(cleanups: MediaCleanups) -> None:
    await cleanups.plan([IMAGE], NOON)
    await claim(cleanups)
    await cleanups.keep([IMAGE])
    assert await claim(cleanups, LEASE) == set()


async def test_claimed_entry_finishes_unless_planned_again(
    cleanups: MediaCleanups,
) -> None:
    await cleanups.plan([IMAGE, AUDIO], NOON)
    await claim(cleanups)
    await cleanups.plan([AUDIO], NOON + minutes(1), unfinished=True)
    assert await cleanups.finish([IMAGE], NOON + LEASE)
    assert not await cleanups.finish([AUDIO], NOON + LEASE)
    assert await claim_unfinished(cleanups, minutes(60)) == {AUDIO: True}


async def test_longest_due_are_claimed_first_within_limit(cleanups: MediaCleanups) -> None:
    entries = [MediaRef(f"songs/{n}", "image") for n in range(5)]
    for n, entry in enumerate(entries):
        await cleanups.plan([entry], NOON - minutes(n))
    claimed = [
        {entry.media for entry in await cleanups.claim_due(NOON, NOON + LEASE, limit)} for limit in (2, 2, 2)
    ]
    assert claimed == [{entries[4], entries[3]}, {entries[2], entries[1]}, {entries[0]}]


async def test_workers_never_claim_the_same_entry(cleanups: MediaCleanups) -> None:
    entries = [MediaRef(f"songs/{n}", "image") for n in range(30)]
    await cleanups.plan(entries, NOON)
    batches = await asyncio.gather(*(cleanups.claim_due(NOON, NOON + LEASE, 10) for _ in range(6)))
    claimed = [entry.media for batch in batches for entry in batch]
    assert len(claimed) == len(set(claimed))
    assert {*claimed, *await claim(cleanups)} == set(entries)


async def test_empty_plan_and_keep_are_allowed(cleanups: MediaCleanups) -> None:
    await cleanups.plan([], NOON)
    await cleanups.keep([])
    assert await claim(cleanups) == set()


async def test_concurrent_plans_make_one_entry(cleanups: MediaCleanups) -> None:
    await asyncio.gather(*(cleanups.plan([IMAGE, AUDIO], NOON) for _ in range(10)))
    assert await claim(cleanups) == {IMAGE, AUDIO}


async def test_media_are_in_use_while_owner_exists(songs: SongRepository, albums: AlbumRepository) -> None:
    song, album, gone = a_song(), an_album(), new_id()
    await songs.add(song)
    await albums.add(album)
    cache, writes = ReadThrough(MemoryCache()), Writes()
    outbox = Outbox(songs, Interactions(), Likes(), Engine(), Invalidation(cache), poll_seconds=1)
    of_songs = UnfinishedUploads(songs, SongWrites(writes, Invalidation(cache), outbox)).is_in_use
    of_albums = UnfinishedAlbums(albums, AlbumWrites(writes, AlbumInvalidation(cache))).is_in_use
    for in_use, used, free, others in (
        (of_songs, f"songs/{song.id}/s/cover", f"songs/{gone}/s/audio", f"albums/{gone}/s/cover"),
        (of_albums, f"albums/{album.id}/s/cover", f"albums/{gone}/s/cover", f"songs/{gone}/s/cover"),
    ):
        found = [await in_use(MediaRef(each, "image")) for each in (used, free, others)]
        assert found == [True, False, True]


async def test_entries_of_earlier_versions_are_reminders_only(tmp_path: Path) -> None:
    file = tmp_path / "songs.sqlite"
    async with open_database(file, schemas.SONGS[:1]) as database:
        await database.write("INSERT INTO media_cleanups VALUES ('image', 'songs/1/cover', 0)")
    async with open_database(file, schemas.SONGS) as database:
        claimed = await claim_unfinished(SqliteMediaCleanups(database), timedelta())
    assert claimed == {MediaRef("songs/1/cover", "image"): False}
