"""Songs are added, reordered and removed in the order that the caller sees."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from album_service.arranging import Arranging
from album_service.caching import Invalidation
from album_service.collaborating import MOST_COLLABORATORS, Collaborating
from album_service.domain import (
    Album,
    AlbumChangedError,
    AlbumFullError,
    CollaboratorsFullError,
    CreatorIsCollaboratorError,
    SongInAlbumError,
    SongNotFoundError,
    SongsDifferError,
    UserNotFoundError,
)
from album_service.ports import AlbumRepository
from album_service.writing import AlbumWrites
from shared.access.caller import Caller
from shared.access.permissions import Role
from shared.cache.read_through import ReadThrough
from shared.cache.writes import Writes
from shared.errors import UnavailableError
from tests.album_service.fakes import SomeSongs, Users
from tests.repositories.builders import an_album
from tests.repositories.stores import SqliteStore
from tests.shared.memory_cache import MemoryCache

ONE, TWO, THREE, FOUR, HIDDEN = ("1" * 24, "2" * 24, "3" * 24, "4" * 24, "f" * 24)
CREATOR = Caller("a" * 24, "user_a", "Ada", Role.ARTIST, is_blocked=False, token="t.o.k")
ALBUM = an_album(creator_id=CREATOR.id, song_ids=(ONE, HIDDEN, TWO, THREE))


class World:
    """An album with a song that its creator does not see."""

    def __init__(self, albums: AlbumRepository) -> None:
        self.albums = albums
        self.songs = SomeSongs([ONE, TWO, THREE, FOUR], {HIDDEN: "another's"})
        self.users = Users(*"bcd")
        self._writes = AlbumWrites(Writes(), Invalidation(ReadThrough(MemoryCache())))
        self.arranging = self.arranging_of(4)
        self.collaborating = Collaborating(albums, self.users, self._writes)

    def arranging_of(self, most_songs: int) -> Arranging:
        return Arranging(self.albums, self.songs, self._writes, most_songs=most_songs)

    async def ids(self) -> tuple[str, ...]:
        return (await self.albums.get(ALBUM.id)).song_ids


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with SqliteStore(tmp_path).albums() as albums:
        await albums.add(ALBUM)
        yield World(albums)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (0, (FOUR, ONE, HIDDEN, TWO, THREE)),
        (1, (ONE, HIDDEN, FOUR, TWO, THREE)),
        (2, (ONE, HIDDEN, TWO, FOUR, THREE)),
        (3, (ONE, HIDDEN, TWO, THREE, FOUR)),
        (99, (ONE, HIDDEN, TWO, THREE, FOUR)),
        (None, (ONE, HIDDEN, TWO, THREE, FOUR)),
    ],
)
@pytest.mark.parametrize("if_revision", [None, 1])
async def test_song_is_added_at_its_position(
    world: World, position: int | None, expected: tuple[str, ...], if_revision: int | None
) -> None:
    album = await world.arranging.add_song(ALBUM, FOUR, CREATOR, position, if_revision)
    assert album.song_ids == await world.ids() == expected


@pytest.mark.parametrize("position", [None, 0])
async def test_song_is_added_once_and_only_if_seen(world: World, position: int | None) -> None:
    with pytest.raises(SongInAlbumError):
        await world.arranging.add_song(ALBUM, TWO, CREATOR, position)
    with pytest.raises(SongNotFoundError):
        await world.arranging.add_song(ALBUM, HIDDEN, CREATOR, position)
    album = await world.arranging.add_song(ALBUM, FOUR, CREATOR, position)
    world.songs.listed.add("5" * 24)
    with pytest.raises(AlbumFullError):
        await world.arranging.add_song(album, "5" * 24, CREATOR, position)


async def test_unseen_songs_keep_their_places(world: World) -> None:
    album = await world.arranging.set_order(ALBUM, [THREE, ONE.upper(), TWO], CREATOR)
    assert album.song_ids == (THREE, HIDDEN, ONE, TWO)


@pytest.mark.parametrize(
    "order", [[], [ONE, TWO], [ONE, TWO, THREE, THREE], [ONE, TWO, THREE, HIDDEN], [ONE, TWO, FOUR], ["x"]]
)
async def test_order_of_other_songs_is_refused(world: World, order: list[str]) -> None:
    with pytest.raises(SongsDifferError):
        await world.arranging.set_order(ALBUM, order, CREATOR)
    assert await world.ids() == ALBUM.song_ids


async def test_all_concurrent_additions_at_positions_succeed(world: World) -> None:
    songs = [f"{number:024x}" for number in range(20)]
    world.songs.listed.update(songs)
    arranging = world.arranging_of(len(ALBUM.song_ids) + len(songs))
    await asyncio.gather(*(arranging.add_song(ALBUM, each, CREATOR, 0) for each in songs))
    assert sorted(await world.ids()) == sorted([*ALBUM.song_ids, *songs])


async def test_concurrent_orders_at_one_revision_let_one_win(world: World) -> None:
    orders = [[THREE, TWO, ONE], [TWO, THREE, ONE]]
    results = await asyncio.gather(
        *(world.arranging.set_order(ALBUM, order, CREATOR, 1) for order in orders), return_exceptions=True
    )
    assert {type(each) for each in results} == {Album, AlbumChangedError}


async def test_changes_without_a_revision_keep_each_other(world: World) -> None:
    await asyncio.gather(
        world.arranging.set_order(ALBUM, [THREE, TWO, ONE], CREATOR),
        world.collaborating.add(ALBUM, "b"),
        world.collaborating.add(ALBUM, "c"),
        world.arranging.take_song_out(ALBUM, HIDDEN),
    )
    album = await world.albums.get(ALBUM.id)
    assert (album.song_ids, set(album.collaborator_ids)) == ((THREE, TWO, ONE), {"b", "c"})


async def test_song_is_taken_out_at_a_revision(world: World) -> None:
    album = await world.arranging.take_song_out(ALBUM, TWO, 1)
    assert album.song_ids == (ONE, HIDDEN, THREE)
    with pytest.raises(AlbumChangedError):
        await world.arranging.take_song_out(ALBUM, ONE, 1)
    with pytest.raises(SongNotFoundError):
        await world.arranging.take_song_out(album, TWO, 2)


async def test_order_is_unavailable_while_songs_are(world: World) -> None:
    world.songs.is_down = True
    with pytest.raises(UnavailableError):
        await world.arranging.set_order(ALBUM, [THREE, TWO, ONE], CREATOR)
    assert await world.ids() == ALBUM.song_ids


async def test_collaborators_are_added_and_removed_once(world: World) -> None:
    for _ in range(2):
        album = await world.collaborating.add(ALBUM, "b")
    assert (album.collaborator_ids, album.revision) == (("b",), 2)
    for _ in range(2):
        album = await world.collaborating.remove(album, "b")
    assert (album.collaborator_ids, album.revision) == ((), 3)


async def test_all_collaborators_added_at_once_succeed(world: World) -> None:
    everyone = [f"{number:024x}" for number in range(MOST_COLLABORATORS)]
    world.users.user_ids.update(everyone)
    await asyncio.gather(*(world.collaborating.add(ALBUM, each) for each in everyone))
    assert set((await world.albums.get(ALBUM.id)).collaborator_ids) == set(everyone)


async def test_unknown_creator_and_excess_collaborators_are_refused(world: World) -> None:
    with pytest.raises(UserNotFoundError):
        await world.collaborating.add(ALBUM, "x")
    with pytest.raises(CreatorIsCollaboratorError):
        await world.collaborating.add(ALBUM, CREATOR.id)
    many = tuple(f"{number:024x}" for number in range(MOST_COLLABORATORS))
    full = await world.albums.change(ALBUM.id, {"collaborator_ids": many})
    assert full is not None
    with pytest.raises(CollaboratorsFullError):
        await world.collaborating.add(full, "b")


async def test_deleted_user_leaves_every_album(world: World) -> None:
    other = an_album()
    await world.albums.add(other)
    for album in (ALBUM, other):
        await world.collaborating.add(album, "b")
    await world.collaborating.leave_all("b")
    for album in (ALBUM, other):
        assert (await world.albums.get(album.id)).collaborator_ids == ()
