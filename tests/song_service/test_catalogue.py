"""An upload fails whole, whatever fails; and a removal is done, whatever else is down."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from shared.access.caller import Caller
from shared.access.permissions import Role
from shared.cache import ReadThrough
from shared.errors import AppError, InvalidError, UnavailableError, UnsupportedMediaError
from shared.media_cleanup import MediaKeeper
from shared.writes import Writes
from song_service.browsing import Browsing
from song_service.caching import Staleness
from song_service.catalogue import AudioLimits, Catalogue
from song_service.domain import Song, SongNotFoundError
from song_service.outbox import Outbox
from song_service.ports import SongChanges
from song_service.schemas import SongFields
from song_service.wiring import media_in_use, unmaking
from tests.shared.lost_answers import lose_answers
from tests.shared.media import DOWN, Notes, Store
from tests.shared.memory_cache import MemoryCache
from tests.song_service.fakes import Engine, Interactions, Songs
from tests.system.media import audio, image

ARTIST = Caller("a" * 24, "user_art", "Art", Role.ARTIST, is_blocked=False, token="t.o.k")
ALBUM = "e" * 24


class Albums:
    """`Albums`: one, of the artist."""

    def __init__(self) -> None:
        self.songs: list[str] = []
        self.failing: dict[str, AppError] = {}

    def _fail_as_told(self, call: str) -> None:
        if call in self.failing:
            raise self.failing[call]

    async def check_made_by(self, album_id: str, token: str, creator_ids: Collection[str]) -> None:
        self._fail_as_told("check_made_by")

    async def append(self, album_id: str, song_id: str, token: str) -> None:
        self._fail_as_told("append")
        self.songs.append(song_id)

    async def take_out(self, album_id: str, song_id: str, token: str) -> None:
        self._fail_as_told("take_out")
        if song_id in self.songs:
            self.songs.remove(song_id)


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

    def __init__(self, folder: Path) -> None:
        self.songs, self.notes, self.store, self.albums = FailingSongs(), Notes(), Store(), Albums()
        self.redis = MemoryCache()
        self.cache, self.writes = ReadThrough(self.redis), Writes()
        stale = Staleness(self.cache)
        outbox = Outbox(self.songs, Interactions(), Engine(), stale, poll_seconds=1)
        unmake = unmaking(self.songs, stale, self.writes, outbox)
        self.keeper = MediaKeeper(self.notes, self.store, media_in_use(self.songs), unmake)
        limits = AudioLimits(max_audio_seconds=60, max_image_pixels=10**6)
        self.catalogue = Catalogue(
            self.songs, self.store, self.keeper, self.albums, stale, self.writes, outbox, limits
        )
        self.cover, self.sound = folder / "cover", folder / "sound"
        self.cover.write_bytes(image())
        self.sound.write_bytes(audio("wav", 2))

    async def upload(self) -> Song:
        fields = SongFields.model_validate({"title": "New", "albumId": ALBUM})
        return await self.catalogue.add(ARTIST, fields, self.cover, self.sound)

    def holds_nothing(self) -> bool:
        return not self.songs.kept and not self.store.media and not self.albums.songs


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
    assert world.notes.kept == set()
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
    assert world.notes.kept == set()


async def test_without_a_note_nothing_is_begun(world: World) -> None:
    world.notes.is_down = True
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
    assert len(world.notes.kept) == 2


async def test_media_that_cannot_be_taken_back_are_noted(world: World) -> None:
    world.store.failing = {"audio": DOWN, "destroy": DOWN}
    with pytest.raises(UnavailableError):
        await world.upload()
    assert {note.public_id for note in world.notes.kept} > world.store.media
    assert not world.songs.kept


async def test_a_song_is_removed_though_the_media_store_and_the_album_service_are_down(world: World) -> None:
    song = await world.upload()
    world.store.failing = {"destroy": DOWN}
    world.albums.failing = {"take_out": DOWN}
    await world.catalogue.remove(ARTIST, song)
    assert not world.songs.kept
    assert {note.public_id for note in world.notes.kept} == world.store.media


async def test_a_song_stays_where_it_is_when_its_new_album_cannot_take_it(world: World) -> None:
    song = await world.upload()
    world.albums.failing = {"append": DOWN}
    with pytest.raises(UnavailableError):
        await world.catalogue.change(ARTIST, song, {"album_id": "f" * 24, "title": "Moved"})
    assert world.songs.kept == {song.id: song}


async def test_a_song_that_somebody_keeps_changing_is_a_conflict_not_an_endless_try(world: World) -> None:
    song = replace(await world.upload(), revision=7)
    world.songs.kept[song.id] = song
    world.songs.changes_meanwhile = True
    with pytest.raises(AppError, match="at the same time"):
        await world.catalogue.show(song, None)


@pytest.mark.parametrize(
    "write",
    [
        lambda catalogue, song: catalogue.unhide(song, False),
        lambda catalogue, song: catalogue.show(song, None),
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
    assert song.title in (await browsing.one(song.id, None)).decode()
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
        await world.catalogue.unhide(song, False)
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
    world.notes.fall_due()
    await world.keeper.follow_due_notes()
    assert world.holds_nothing()
    assert world.notes.kept == set()
    assert "songs" in world.redis.renewals[-1]


async def test_an_upload_that_cannot_be_noted_as_finished_does_not_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.notes, "keep", refuse)
    with pytest.raises(UnavailableError):
        await world.upload()
    assert world.holds_nothing()


async def test_a_song_whose_upload_ended_with_its_process_does_not_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the song is in its album, and before the artist is answered."""
    monkeypatch.setattr(world.notes, "keep", refuse)
    monkeypatch.setattr(world.songs, "remove", refuse)
    monkeypatch.setattr(world.store, "destroy", refuse)
    with pytest.raises(UnavailableError):
        await world.upload()
    assert len(world.songs.kept) == 1
    assert await world.keeper.follow_due_notes() == 0
    monkeypatch.undo()
    world.notes.fall_due()
    await world.keeper.follow_due_notes()
    assert world.holds_nothing()
