"""Creating and changing albums: rollback and invalidation."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from album_service.arranging import Arranging
from album_service.browsing import Browsing
from album_service.caching import Invalidation
from album_service.domain import Album, AlbumFullError, AlbumNotFoundError, NewAlbum
from album_service.editing import Editing, UnfinishedUploads
from album_service.ports import AlbumFilter, AlbumRepository, Songs
from album_service.writing import AlbumWrites
from shared.access.caller import BlockedError, Caller, NotRegisteredError
from shared.access.permissions import Role
from shared.cache.read_through import ReadThrough
from shared.cache.writes import Writes
from shared.errors import AppError, UnavailableError
from shared.media.cleanup import CleanupJournal
from tests.album_service.fakes import NoSongs, Shares, SomeSongs
from tests.repositories.builders import an_album
from tests.repositories.stores import SqliteStore
from tests.shared.directory import Change, Directory
from tests.shared.lost_responses import lose_responses
from tests.shared.media import DOWN, Entries, Store
from tests.shared.memory_cache import MemoryCache
from tests.system.media import image

SONG = "b" * 24
CREATOR = Caller("a" * 24, "user_art", "Art", Role.ARTIST, is_blocked=False, token="t.o.k")
NEW = NewAlbum("New")


async def refuse(*_: object) -> None:
    raise DOWN


class World:
    """Editing and what it works with."""

    def __init__(self, albums: AlbumRepository, songs: Songs | None = None) -> None:
        self.albums, self.entries, self.store, self.redis = albums, Entries(), Store(), MemoryCache()
        writes = AlbumWrites(Writes(), Invalidation(ReadThrough(self.redis)))
        unfinished = UnfinishedUploads(albums, writes)
        self.journal = CleanupJournal(self.entries, self.store, unfinished.is_in_use, unfinished.roll_back)
        self.users = Directory(CREATOR)
        self.editing = Editing(
            albums, Shares(), self.store, self.journal, writes, self.users, max_image_pixels=10**6
        )
        self.arranging = Arranging(albums, songs or NoSongs(), writes, most_songs=10)
        self.browsing = Browsing(albums, NoSongs(), ReadThrough(self.redis), 1000)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with SqliteStore(tmp_path).albums() as albums:
        yield World(albums)


@pytest.mark.parametrize(
    "write",
    [
        lambda editing, album: editing.set_visible(album, False),
        lambda editing, album: editing.set_public(album, None),
        lambda editing, album: editing.change(album, {"is_public": False}),
        lambda editing, album: editing.remove(album),
    ],
    ids=["hidden", "flipped", "changed", "removed"],
)
async def test_unlisted_album_is_invalidated_despite_lost_response(
    world: World, monkeypatch: pytest.MonkeyPatch, write: Callable[[Editing, Album], Awaitable[object]]
) -> None:
    album = an_album()
    await world.albums.add(album)
    assert album.title in (await world.browsing.one(album.id, None)).body.decode()
    lose_responses(monkeypatch, world.albums, "change", "remove")
    with pytest.raises(UnavailableError):
        await write(world.editing, album)
    with pytest.raises(AlbumNotFoundError):
        await world.browsing.one(album.id, None)


async def test_empty_change_writes_nothing(world: World) -> None:
    album = an_album()
    await world.albums.add(album)
    assert await world.editing.change(album, {}) == album
    assert await world.albums.get(album.id) == album
    assert world.redis.renewals == []


async def test_stored_songs_are_shown_despite_lost_response(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    album = an_album()
    await world.albums.add(album)
    await world.albums.append_song(album.id, SONG, 10)
    before = len(world.redis.renewals)
    lose_responses(monkeypatch, world.albums, "take_song_out")
    with pytest.raises(UnavailableError):
        await world.arranging.take_song_out(album, SONG)
    assert f"album:{album.id}" in world.redis.renewals[before]


async def test_unseen_songs_do_not_count_towards_limit(tmp_path: Path) -> None:
    gone, hidden, seen, more = ("a" * 24, "b" * 24, "c" * 24, [f"{number:024x}" for number in range(10)])
    owner = Caller("d" * 24, "user_d", "Olga Owner", Role.USER, is_blocked=False, token="t.o.k")
    songs = SomeSongs([seen, *more], {hidden: "another's"})
    album = an_album(creator_id=owner.id, song_ids=(gone, hidden, seen))
    async with SqliteStore(tmp_path).albums() as albums:
        await albums.add(album)
        arranging = World(albums, songs).arranging
        for song_id in more[:9]:  # with the one that they see: as many as an album holds
            album = await arranging.add_song(album, song_id, owner)
        assert album.song_ids == (gone, hidden, seen, *more[:9])
        with pytest.raises(AlbumFullError):
            await arranging.add_song(album, more[9], owner)


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    file = tmp_path / "cover"
    file.write_bytes(image())
    return file


async def test_album_is_created_with_its_cover(world: World, cover: Path) -> None:
    made = await world.editing.add(CREATOR, NEW, cover)
    assert await world.albums.get(made.id) == made
    assert world.store.media == {made.image.public_id}
    assert made.image.public_id.startswith(f"albums/{made.id}/")
    assert world.entries.kept == set()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (Directory.delete, NotRegisteredError),
        (Directory.register_again, NotRegisteredError),
        (Directory.block, BlockedError),
        (Directory.go_down, UnavailableError),
    ],
)
async def test_album_of_a_lost_account_is_rolled_back(
    world: World, cover: Path, change: Change, refusal: type[AppError]
) -> None:
    change(world.users)
    with pytest.raises(refusal):
        await world.editing.add(CREATOR, NEW, cover)
    assert await world.albums.count(AlbumFilter()) == 0
    assert world.store.media == set()


async def test_album_carries_name_and_role_at_its_commit(world: World, cover: Path) -> None:
    world.users.rename("Arthur")
    world.users.demote()
    made = await world.editing.add(CREATOR, NewAlbum("New", is_public=True), cover)
    assert (made.creator_name, made.is_public) == ("Arthur", False)


async def test_album_with_lost_response_is_rolled_back(
    world: World, cover: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response to storing it is lost, and it cannot be removed then."""
    lose_responses(monkeypatch, world.albums, "add")
    with monkeypatch.context() as down:
        down.setattr(world.albums, "remove", refuse)
        with pytest.raises(UnavailableError):
            await world.editing.add(CREATOR, NEW, cover)
        assert await world.albums.count(AlbumFilter()) == 1
    world.entries.fall_due()
    await world.journal.process_due_entries()
    assert await world.albums.count(AlbumFilter()) == 0
    assert (world.store.media, world.entries.kept) == (set(), set())


async def test_album_without_journal_confirmation_is_rolled_back(
    world: World, cover: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.entries, "finish", refuse)
    with pytest.raises(UnavailableError):
        await world.editing.add(CREATOR, NEW, cover)
    assert await world.albums.count(AlbumFilter()) == 0
    assert world.store.media == set()
