"""Moving a song between albums keeps song and albums consistent."""

import asyncio
import random
from collections.abc import Collection
from pathlib import Path
from typing import overload

import pytest

from shared.errors import AppError, InvalidError, UnavailableError
from song_service.domain import Song, SongChanges, SongNotFoundError
from tests.shared.lost_responses import lose_responses
from tests.shared.media import DOWN
from tests.song_service.catalogue_world import ALBUM, ARTIST, OTHER, THIRD, Albums, FailingSongs, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_failed_move_keeps_the_song_in_place(world: World) -> None:
    song = await world.upload()
    world.albums.failing = {"append": DOWN}
    with pytest.raises(UnavailableError):
        await world.catalogue.change(ARTIST, song, {"album_id": "f" * 24, "title": "Moved"})
    assert world.songs.kept == {song.id: song}


async def test_later_of_two_concurrent_moves_wins(world: World) -> None:
    song = await world.upload()
    await world.catalogue.change(ARTIST, song, {"album_id": OTHER})
    moved = await world.catalogue.change(ARTIST, song, {"album_id": THIRD, "title": "Moved"})
    assert (moved.album_id, moved.title) == (THIRD, "Moved")
    assert world.albums.of(song) == {THIRD}


@pytest.mark.parametrize("album_id", [ALBUM, OTHER, None])
async def test_repeated_concurrent_moves_have_one_effect(world: World, album_id: str | None) -> None:
    song = await world.upload()
    await world.catalogue.change(ARTIST, song, {"album_id": OTHER})
    await world.catalogue.change(ARTIST, song, {"album_id": album_id})
    assert world.songs.kept[song.id].album_id == album_id
    assert world.albums.of(song) == {album_id} - {None}


async def test_lost_append_response_is_rolled_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    song = await world.upload()
    lose_responses(monkeypatch, world.albums, "append")
    with pytest.raises(UnavailableError):
        await world.catalogue.change(ARTIST, song, {"album_id": OTHER})
    assert world.songs.kept == {song.id: song}
    assert world.albums.of(song) == {ALBUM}


@pytest.mark.parametrize("are_songs_unknown", [False, True])
async def test_failed_move_keeps_earlier_album_entries(world: World, are_songs_unknown: bool) -> None:
    song = await world.upload()
    world.albums.held.add((OTHER, song.id))
    world.albums.failing = {"append": DOWN}
    world.albums.are_songs_unknown = are_songs_unknown
    with pytest.raises(UnavailableError):
        await world.catalogue.change(ARTIST, song, {"album_id": OTHER})
    assert world.albums.of(song) == {ALBUM, OTHER}


async def test_stored_move_completes_despite_lost_response(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = await world.upload()
    lose_responses(monkeypatch, world.songs, "change")
    with pytest.raises(UnavailableError):
        await world.catalogue.change(ARTIST, song, {"album_id": OTHER})
    assert world.songs.kept[song.id].album_id == OTHER
    assert world.albums.of(song) == {OTHER}


async def test_song_removed_during_move_is_not_found(world: World) -> None:
    """The album service knows no such song then, and refuses it."""
    song = await world.upload()
    await world.songs.remove(song.id)
    world.albums.failing = {"append": InvalidError("Not accepted: albumId")}
    with pytest.raises(SongNotFoundError):
        await world.catalogue.change(ARTIST, song, {"album_id": OTHER})


async def test_constantly_changed_song_is_not_moved(world: World) -> None:
    song = await world.upload()
    world.songs.changes_meanwhile = True
    with pytest.raises(AppError, match="at the same time"):
        await world.catalogue.change(ARTIST, song, {"album_id": OTHER})
    assert world.albums.of(song) == {ALBUM}


class SlowAlbums(Albums):
    """Each call takes effect at some moment between its beginning and its end."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    async def _wait(self) -> None:
        for _ in range(self._chance.randrange(6)):
            await asyncio.sleep(0)

    async def check_made_by(
        self, album_id: str, token: str, creator_ids: Collection[str]
    ) -> Collection[str] | None:
        await self._wait()
        held = await super().check_made_by(album_id, token, creator_ids)
        await self._wait()
        return held

    async def append(self, album_id: str, song_id: str, token: str) -> None:
        await self._wait()
        await super().append(album_id, song_id, token)
        await self._wait()

    async def take_out(self, album_id: str, song_id: str, token: str) -> None:
        await self._wait()
        await super().take_out(album_id, song_id, token)
        await self._wait()


class SlowSongs(FailingSongs):
    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    @overload
    async def change(self, song_id: str, changes: SongChanges) -> Song: ...

    @overload
    async def change(self, song_id: str, changes: SongChanges, *, if_revision: int | None) -> Song | None: ...

    async def change(
        self, song_id: str, changes: SongChanges, *, if_revision: int | None = None
    ) -> Song | None:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)
        return await super().change(song_id, changes, if_revision=if_revision)


@pytest.mark.parametrize("seed", range(40))
async def test_concurrent_moves_end_in_the_named_album(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    world = World(tmp_path, songs=SlowSongs(chance), albums=SlowAlbums(chance))
    song = await world.upload()
    targets = [chance.choice([ALBUM, OTHER, THIRD, None]) for _ in range(12)]
    await asyncio.gather(*(world.catalogue.change(ARTIST, song, {"album_id": each}) for each in targets))
    named = world.songs.kept[song.id].album_id
    assert named in targets
    assert world.albums.of(song) == {named} - {None}
