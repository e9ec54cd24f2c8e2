"""An upload fails whole, whatever fails; and a removal is done, whatever else is down."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shared.cache.read_through import ReadThrough
from shared.errors import AppError, InvalidError, UnavailableError, UnsupportedMediaError
from shared.media.decoding import AT_ONCE, decoded
from song_service.browsing import Browsing
from song_service.catalogue import Catalogue
from song_service.domain import Song, SongChanges, SongNotFoundError
from tests.shared.lost_answers import lose_answers
from tests.shared.media import DOWN
from tests.song_service.catalogue_world import ARTIST, World, refuse


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_an_upload_is_stored_noted_for_the_engine_and_in_its_album(world: World) -> None:
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
async def test_when_one_medium_cannot_be_stored_the_other_does_not_stay(
    world: World, part: str, failure: Exception
) -> None:
    world.store.failing = {part: failure}
    with pytest.raises(type(failure)):
        await world.upload()
    assert world.holds_nothing()


async def test_the_failure_of_one_medium_is_undone_after_the_other_has_arrived(world: World) -> None:
    world.store.failing = {"image": DOWN}
    world.store.may_store_audio.clear()
    uploading = asyncio.create_task(world.upload())
    async with asyncio.timeout(20):
        await world.store.storing_audio.wait()
    world.store.may_store_audio.set()
    with pytest.raises(UnavailableError):
        await uploading
    assert world.holds_nothing()


async def test_when_the_song_cannot_be_stored_its_media_do_not_stay(world: World) -> None:
    world.songs.failure = DOWN
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()


@pytest.mark.parametrize("failure", [DOWN, InvalidError("The album is full")])
async def test_when_the_album_does_not_take_it_the_song_does_not_stay(
    world: World, failure: AppError
) -> None:
    world.albums.failing = {"append": failure}
    with pytest.raises(type(failure)):
        await world.upload()
    assert world.holds_nothing()
    assert "songs" in world.redis.renewals[-1]


async def test_without_the_album_service_nothing_is_begun(world: World) -> None:
    world.albums.failing = {"check_made_by": DOWN}
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()
    assert world.entries.kept == set()


async def test_without_a_note_nothing_is_begun(world: World) -> None:
    world.entries.is_down = True
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()


async def test_an_upload_that_is_cut_off_is_undone(world: World) -> None:
    world.store.may_store_audio.clear()
    uploading = asyncio.create_task(world.upload())
    async with asyncio.timeout(20):
        await world.store.storing_audio.wait()
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading
    assert world.holds_nothing()
    assert len(world.entries.kept) == 2


async def test_an_upload_that_waits_too_long_to_be_decoded_is_refused_and_leaves_nothing(
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


async def test_an_upload_that_the_store_takes_too_long_for_is_refused_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, stored_within_seconds=5)
    world.store.may_store_audio.clear()
    with pytest.raises(UnavailableError, match="too long"):
        await world.upload()
    assert world.store.storing_audio.is_set()
    assert world.holds_nothing()
    assert len(world.entries.kept) == 2


async def test_media_that_cannot_be_taken_back_are_noted(world: World) -> None:
    world.store.failing = {"audio": DOWN, "destroy": DOWN}
    with pytest.raises(UnavailableError):
        await world.upload()
    assert {note.public_id for note in world.entries.kept} > world.store.media
    assert not world.songs.kept


async def test_a_song_is_removed_though_the_media_store_and_the_album_service_are_down(world: World) -> None:
    song = await world.upload()
    world.store.failing = {"destroy": DOWN}
    world.albums.failing = {"take_out": DOWN}
    await world.catalogue.remove(ARTIST, song)
    assert not world.songs.kept
    assert {note.public_id for note in world.entries.kept} == world.store.media


async def test_a_change_of_nothing_is_no_write(world: World) -> None:
    song = await world.upload()
    renewed = len(world.redis.renewals)
    assert await world.catalogue.change(ARTIST, song, {}) == song
    assert world.songs.kept == {song.id: song}
    assert len(world.redis.renewals) == renewed


async def test_a_song_that_somebody_keeps_changing_is_a_conflict_not_an_endless_try(world: World) -> None:
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
async def test_a_song_that_is_stored_as_unlisted_is_shown_to_nobody_whatever_its_writer_was_told(
    world: World, monkeypatch: pytest.MonkeyPatch, write: Callable[[Catalogue, Song], Awaitable[object]]
) -> None:
    song = await world.upload()
    browsing = Browsing(world.songs, ReadThrough(world.redis), 1000)
    assert song.title in (await browsing.one(song.id, None)).body.decode()
    lose_answers(monkeypatch, world.songs, "change", "remove")
    with pytest.raises(UnavailableError):
        await write(world.catalogue, song)
    with pytest.raises(SongNotFoundError):
        await browsing.one(song.id, None)


async def test_a_change_that_lands_after_its_failure_makes_caches_stale_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
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


async def test_an_upload_that_is_stored_and_answered_as_failed_does_not_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to storing the song is lost, and it cannot be removed then."""
    lose_answers(monkeypatch, world.songs, "add")
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


async def test_an_upload_that_cannot_be_noted_as_finished_does_not_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.entries, "finish", refuse)
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()


async def test_a_song_whose_upload_ended_with_its_process_does_not_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the song is in its album, and before the artist is answered."""
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


async def test_an_upload_into_an_album_that_did_not_answer_leaves_nothing_in_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_answers(monkeypatch, world.albums, "append")
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()
