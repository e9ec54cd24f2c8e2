"""The export of a user's albums names what its owner sees of them, and no more."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from album_service.domain import UserNotFoundError
from album_service.export import ALBUMS_AT_ONCE, Export
from shared.errors import UnavailableError
from tests.album_service.fakes import Shares, SomeSongs, Users
from tests.repositories.builders import NOON, an_album, minutes
from tests.repositories.stores import SqliteStore

ADA, BILL = "a" * 24, "b" * 24
LISTED, OWN, PRIVATE, DELETED = "1" * 24, "2" * 24, "3" * 24, "4" * 24


class World:
    """Albums of Ada with songs that she may see, and others."""

    def __init__(self, export: Export, songs: SomeSongs) -> None:
        self.export, self.songs = export, songs

    async def created(self) -> list[dict[str, Any]]:
        document = b"".join([piece async for piece in self.export.of(ADA)])
        created: list[dict[str, Any]] = json.loads(document)["created"]
        return created


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    songs = SomeSongs([LISTED], {OWN: f"token of {ADA}", PRIVATE: f"token of {BILL}"})
    async with SqliteStore(tmp_path).albums() as albums:
        for number in range(ALBUMS_AT_ONCE + 1):
            album = an_album(
                creator_id=ADA,
                song_ids=(OWN, PRIVATE, DELETED, LISTED),
                created_at=NOON + minutes(number),
            )
            await albums.add(replace(album, collaborator_ids=(BILL,)))
        yield World(Export(albums, Shares(), songs, Users(ADA)), songs)


async def test_created_albums_name_visible_songs_only(world: World) -> None:
    created = await world.created()
    assert len(created) == ALBUMS_AT_ONCE + 1
    assert {tuple(album["songIds"]) for album in created} == {(OWN, LISTED)}


async def test_created_albums_name_their_collaborators(world: World) -> None:
    assert all(album["collaboratorIds"] == [BILL] for album in await world.created())


async def test_export_fails_without_the_song_service(world: World) -> None:
    world.songs.is_down = True
    with pytest.raises(UnavailableError):
        await world.created()


async def test_export_fails_for_deleted_account(world: World) -> None:
    with pytest.raises(UserNotFoundError):
        [piece async for piece in world.export.of(BILL)]
