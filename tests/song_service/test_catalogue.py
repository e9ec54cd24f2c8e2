"""Uploads are rolled back on any failure, and removals work during outages."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shared.access.caller import BlockedError, NotRegisteredError, RoleError
from shared.cache.read_through import ReadThrough
from shared.errors import AppError, InvalidError, UnavailableError, UnsupportedMediaError
from shared.media.decoding import AT_ONCE, decoded
from song_service.browsing import Browsing
from song_service.catalogue import Catalogue
from song_service.domain import Song, SongChanges, SongNotFoundError
from tests.shared.directory import Change, Directory
from tests.shared.lost_responses import lose_responses
from tests.shared.media import DOWN
from tests.song_service.catalogue_world import ARTIST, World, refuse


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_upload_is_stored_queued_and_in_album(world: World) -> None:
    song = await world.upload()
    assert world.songs.kept == {song.id: song}
    assert world.songs.unsent.keys() == {song.id}
    assert world.store.media == {song.image.public_id, song.audio.public_id}
    assert all(each.startswith(f"songs/{song.id}/") for each in world.store.media)
    assert world.albums.songs == [song.id]
    assert world.entries.kept == set()
    assert "songs" in world.redis.renewals[-1]


@pytest.mark.parametrize(
    ("part", "failure"),
    [("image", DOWN), ("audio", DOWN), ("audio", UnsupportedMediaError("no")), ("image", ValueError("bug"))],
    ids=str,
)
async def test_failed_media_upload_removes_the_other(world: World, part: str, failure: Exception) -> None:
    world.store.failing = {part: failure}
    with pytest.raises(type(failure)):
        await world.upload()
    assert world.holds_nothing()


async def test_rollback_waits_for_the_other_medium(world: World) -> None:
    world.store.failing = {"image": DOWN}
    world.store.may_store_audio.clear()
    uploading = asyncio.create_task(world.upload())
    async with asyncio.timeout(30):
        await world.store.storing_audio.wait()
    world.store.may_store_audio.set()
    with pytest.raises(UnavailableError):
        await uploading
    assert world.holds_nothing()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (Directory.delete, NotRegisteredError),
        (Directory.register_again, NotRegisteredError),
        (Directory.block, BlockedError),
        (Directory.demote, RoleError),
        (Directory.go_down, UnavailableError),
    ],
)
async def test_upload_of_a_lost_account_is_rolled_back(
    world: World, change: Change, refusal: type[AppError]
) -> None:
    async with world.during_an_upload() as uploading:
        change(world.users)
    with pytest.raises(refusal):
        await uploading
    assert world.holds_nothing()


async def test_upload_carries_the_name_at_its_commit(world: World) -> None:
    async with world.during_an_upload() as uploading:
        world.users.rename("Arthur")
    song = await uploading
    assert song.artist_name == world.songs.kept[song.id].artist_name == "Arthur"


async def test_failed_song_write_removes_its_media(world: World) -> None:
    world.songs.failure = DOWN
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()


@pytest.mark.parametrize("failure", [DOWN, InvalidError("The album is full")])
async def test_album_refusal_rolls_the_upload_back(world: World, failure: AppError) -> None:
    world.albums.failing = {"append": failure}
    with pytest.raises(type(failure)):
        await world.upload()
    assert world.holds_nothing()
    assert "songs" in world.redis.renewals[-1]


async def test_album_service_outage_stops_the_upload(world: World) -> None:
    world.albums.failing = {"check_made_by": DOWN}
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()
    assert world.entries.kept == set()


async def test_journal_outage_stops_the_upload(world: World) -> None:
    world.entries.is_down = True
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()


async def test_cancelled_upload_is_rolled_back(world: World) -> None:
    world.store.may_store_audio.clear()
    uploading = asyncio.create_task(world.upload())
    async with asyncio.timeout(30):
        await world.store.storing_audio.wait()
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading
    assert world.holds_nothing()
    assert len(world.entries.kept) == 2


async def test_decoding_queue_timeout_leaves_nothing(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, stored_within_seconds=0.2)
    released = threading.Event()
    busy = [asyncio.create_task(decoded(released.wait)) for _ in range(AT_ONCE)]
    try:
        with pytest.raises(UnavailableError, match="too long"):
            await world.upload()
    finally:
        released.set()
        await asyncio.gather(*busy)
    assert world.holds_nothing()
    assert world.entries.kept == set()


async def test_media_store_timeout_leaves_nothing(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, stored_within_seconds=5)
    world.store.may_store_audio.clear()
    with pytest.raises(UnavailableError, match="too long"):
        await world.upload()
    assert world.store.storing_audio.is_set()
    assert world.holds_nothing()
    assert len(world.entries.kept) == 2


async def test_media_that_cannot_be_removed_are_journaled(world: World) -> None:
    world.store.failing = {"audio": DOWN, "destroy": DOWN}
    with pytest.raises(UnavailableError):
        await world.upload()
    assert {media.public_id for media in world.entries.kept} > world.store.media
    assert not world.songs.kept


async def test_removal_works_during_store_and_album_outage(world: World) -> None:
    song = await world.upload()
    world.store.failing = {"destroy": DOWN}
    world.albums.failing = {"take_out": DOWN}
    await world.catalogue.remove(ARTIST, song)
    assert not world.songs.kept
    assert {media.public_id for media in world.entries.kept} == world.store.media


async def test_empty_change_writes_nothing(world: World) -> None:
    song = await world.upload()
    renewed = len(world.redis.renewals)
    assert await world.catalogue.change(ARTIST, song, {}) == song
    assert world.songs.kept == {song.id: song}
    assert len(world.redis.renewals) == renewed


async def test_constantly_changed_song_is_a_conflict(world: World) -> None:
    song = replace(await world.upload(), revision=7)
    world.songs.kept[song.id] = song
    world.songs.changes_meanwhile = True
    with pytest.raises(AppError, match="at the same time"):
        await world.catalogue.set_public(song, None)


@pytest.mark.parametrize(
    "write",
    [
        lambda catalogue, song: catalogue.set_visible(song, False),
        lambda catalogue, song: catalogue.set_public(song, None),
        lambda catalogue, song: catalogue.change(ARTIST, song, {"is_public": False}),
        lambda catalogue, song: catalogue.remove(ARTIST, song),
    ],
    ids=["hidden", "flipped", "changed", "removed"],
)
async def test_unlisted_song_is_invalidated_despite_lost_response(
    world: World, monkeypatch: pytest.MonkeyPatch, write: Callable[[Catalogue, Song], Awaitable[object]]
) -> None:
    song = await world.upload()
    browsing = Browsing(world.songs, ReadThrough(world.redis), 1000)
    assert song.title in (await browsing.one(song.id, None)).body.decode()
    lose_responses(monkeypatch, world.songs, "change", "remove")
    with pytest.raises(UnavailableError):
        await write(world.catalogue, song)
    with pytest.raises(SongNotFoundError):
        await browsing.one(song.id, None)


async def test_late_change_invalidates_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    song = await world.upload()
    browsing = Browsing(world.songs, ReadThrough(world.redis), 1000)
    store = world.songs.change
    late: list[Callable[[], Awaitable[object]]] = []

    async def change(song_id: str, changes: SongChanges, *, if_revision: int | None = None) -> Song | None:
        late.append(lambda: store(song_id, changes))
        raise DOWN

    monkeypatch.setattr(world.songs, "change", change)
    with pytest.raises(UnavailableError):
        await world.catalogue.set_visible(song, False)
    await browsing.one(song.id, None)
    await late[0]()
    await world.writes.close()
    with pytest.raises(SongNotFoundError):
        await browsing.one(song.id, None)


async def test_upload_with_lost_response_is_rolled_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response to storing the song is lost, and it cannot be removed then."""
    lose_responses(monkeypatch, world.songs, "add")
    with monkeypatch.context() as down:
        down.setattr(world.songs, "remove", refuse)
        with pytest.raises(UnavailableError):
            await world.upload()
        assert len(world.songs.kept) == 1
    world.entries.fall_due()
    await world.journal.process_due_entries()
    assert world.holds_nothing()
    assert world.entries.kept == set()
    assert "songs" in world.redis.renewals[-1]


async def test_upload_without_journal_confirmation_is_rolled_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.entries, "finish", refuse)
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()


async def test_upload_interrupted_by_crash_is_rolled_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the song is in its album, and before the artist gets the response."""
    monkeypatch.setattr(world.entries, "finish", refuse)
    monkeypatch.setattr(world.songs, "remove", refuse)
    monkeypatch.setattr(world.store, "destroy", refuse)
    with pytest.raises(UnavailableError):
        await world.upload()
    assert len(world.songs.kept) == 1
    assert await world.journal.process_due_entries() == 0
    monkeypatch.undo()
    world.entries.fall_due()
    await world.journal.process_due_entries()
    assert world.holds_nothing()


async def test_lost_album_response_leaves_no_song(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_responses(monkeypatch, world.albums, "append")
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()
