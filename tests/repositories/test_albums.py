"""The contract of `AlbumRepository`."""

import asyncio
from dataclasses import replace

import pytest

from album_service.domain import AlbumFullError, AlbumNotFoundError, SongInAlbumError, SongNotFoundError
from album_service.ports import AlbumFilter, AlbumRepository
from shared.clock import now
from shared.http.pagination import Slice
from shared.ids import new_id
from tests.repositories.builders import NOON, an_album

ALL = AlbumFilter()
MANY = Slice(100)
MOST = 1000


async def titles(albums: AlbumRepository, wanted: AlbumFilter) -> set[str]:
    return {album.title for album in await albums.list(wanted, MANY)}


@pytest.mark.parametrize("title", ["Żółć 雅 🎧", '{"$gt": ""}', "a' OR '1'='1", "$title"])
async def test_album_is_returned_as_stored(albums: AlbumRepository, title: str) -> None:
    album = an_album(title=title, song_ids=(new_id(), new_id()))
    await albums.add(album)
    assert await albums.get(album.id) == album
    assert await albums.list(ALL, MANY) == [album]


async def test_ids_are_case_insensitive(albums: AlbumRepository) -> None:
    song_id = "fedcba" * 4
    album = an_album(album_id="abcdef" * 4, song_ids=(song_id,))
    await albums.add(album)
    assert await albums.get(album.id.upper()) == album
    with pytest.raises(SongInAlbumError):
        await albums.append_song(album.id, song_id.upper(), MOST)
    assert (await albums.take_song_out(album.id.upper(), song_id.upper())).song_ids == ()
    assert (await albums.append_song(album.id.upper(), song_id.upper(), MOST)).song_ids == (song_id,)


@pytest.mark.parametrize("album_id", ["f" * 24, "not-an-id", "", '{"$gt": ""}'])
async def test_unknown_album_is_not_found(albums: AlbumRepository, album_id: str) -> None:
    song_id = new_id()
    await albums.add(an_album(song_ids=(song_id,)))
    with pytest.raises(AlbumNotFoundError):
        await albums.get(album_id)
    with pytest.raises(AlbumNotFoundError):
        await albums.change(album_id, {"title": "t"})
    with pytest.raises(AlbumNotFoundError):
        await albums.change(album_id, {"title": "t"}, if_revision=1)
    with pytest.raises(AlbumNotFoundError):
        await albums.append_song(album_id, song_id, MOST)
    with pytest.raises(AlbumNotFoundError):
        await albums.take_song_out(album_id, song_id)
    with pytest.raises(AlbumNotFoundError):
        await albums.remove(album_id)


async def test_change_keeps_the_other_fields(albums: AlbumRepository) -> None:
    album = an_album(song_ids=(new_id(),))
    await albums.add(album)
    before = now()
    changed = await albums.change(album.id, {"title": "Milestones"})
    assert changed is not None
    assert changed == replace(album, title="Milestones", revision=2, updated_at=changed.updated_at)
    assert changed.updated_at >= before
    hidden = await albums.change(album.id, {"is_public": False, "is_visible": False})
    assert hidden is not None
    assert (hidden.title, hidden.is_public, hidden.is_visible) == ("Milestones", False, False)
    assert await albums.get(album.id) == hidden


async def test_change_at_another_revision_changes_nothing(albums: AlbumRepository) -> None:
    album = an_album()
    await albums.add(album)
    changed = await albums.change(album.id, {"is_public": False}, if_revision=1)
    assert changed is not None
    assert await albums.change(album.id, {"is_public": True}, if_revision=1) is None
    assert await albums.get(album.id) == changed


async def test_concurrent_flips_at_one_revision_succeed_once(albums: AlbumRepository) -> None:
    album = an_album()
    await albums.add(album)
    flips = await asyncio.gather(
        *(albums.change(album.id, {"is_public": False}, if_revision=1) for _ in range(8))
    )
    assert [flip.revision for flip in flips if flip is not None] == [2]


async def test_songs_are_appended_in_order(albums: AlbumRepository) -> None:
    album, made = an_album(), [new_id() for _ in range(3)]
    await albums.add(album)
    before = now()
    for song_id in reversed(made):
        album = await albums.append_song(album.id, song_id, MOST)
    assert album.song_ids == tuple(reversed(made))
    assert album.revision == 4
    assert album.updated_at >= before
    assert await albums.get(album.id) == album


async def test_song_is_in_an_album_once(albums: AlbumRepository) -> None:
    song_id = new_id()
    album = an_album(song_ids=(song_id,))
    await albums.add(album)
    with pytest.raises(SongInAlbumError):
        await albums.append_song(album.id, song_id, MOST)
    assert await albums.get(album.id) == album


async def test_concurrent_appends_of_one_song_succeed_once(albums: AlbumRepository) -> None:
    album, song_id = an_album(), new_id()
    await albums.add(album)

    async def append() -> str:
        try:
            await albums.append_song(album.id, song_id, MOST)
        except SongInAlbumError:
            return "in it"
        return "appended"

    assert sorted(await asyncio.gather(*(append() for _ in range(10)))) == ["appended"] + ["in it"] * 9
    assert (await albums.get(album.id)).song_ids == (song_id,)


async def test_concurrent_appends_lose_nothing_and_respect_limit(albums: AlbumRepository) -> None:
    album = an_album()
    await albums.add(album)

    async def append(song_id: str) -> str:
        try:
            await albums.append_song(album.id, song_id, 7)
        except AlbumFullError:
            return "full"
        return song_id

    responses = await asyncio.gather(*(append(new_id()) for _ in range(10)))
    appended = {response for response in responses if response != "full"}
    kept = (await albums.get(album.id)).song_ids
    assert len(kept) == 7
    assert set(kept) == appended


@pytest.mark.parametrize("most", [0, 1, 2])
async def test_full_album_refuses_songs(albums: AlbumRepository, most: int) -> None:
    album = an_album(song_ids=tuple(new_id() for _ in range(most)))
    await albums.add(album)
    with pytest.raises(AlbumFullError):
        await albums.append_song(album.id, new_id(), most)
    assert await albums.get(album.id) == album


async def test_full_album_reports_its_own_song_as_duplicate(albums: AlbumRepository) -> None:
    song_id = new_id()
    album = an_album(song_ids=(song_id,))
    await albums.add(album)
    with pytest.raises(SongInAlbumError):
        await albums.append_song(album.id, song_id, 1)


async def test_removing_a_song_keeps_the_order(albums: AlbumRepository) -> None:
    first, second, third = (new_id() for _ in range(3))
    album = an_album(song_ids=(third, first, second))
    await albums.add(album)
    changed = await albums.take_song_out(album.id, first)
    assert changed == replace(album, song_ids=(third, second), revision=2, updated_at=changed.updated_at)
    with pytest.raises(SongNotFoundError):
        await albums.take_song_out(album.id, first)
    assert await albums.get(album.id) == changed
    await albums.take_song_out(album.id, third)
    assert (await albums.take_song_out(album.id, second)).song_ids == ()


async def test_filters_narrow_lists_and_counts(albums: AlbumRepository) -> None:
    miles, bill = new_id(), new_id()
    await albums.add(an_album(title="listed", creator_id=miles))
    await albums.add(an_album(title="private", creator_id=miles, is_public=False))
    await albums.add(an_album(title="hidden", creator_id=miles, is_visible=False))
    await albums.add(an_album(title="other", creator_id=bill))
    for wanted, expected in (
        (ALL, {"listed", "private", "hidden", "other"}),
        (AlbumFilter(listed_only=True), {"listed", "other"}),
        (AlbumFilter(creator_id=miles), {"listed", "private", "hidden"}),
        (AlbumFilter(creator_id=miles, listed_only=True), {"listed"}),
        (AlbumFilter(creator_id='{"$gt": ""}'), set()),
    ):
        assert await titles(albums, wanted) == expected
        assert await albums.count(wanted) == len(expected)


async def test_removed_album_is_not_found(albums: AlbumRepository) -> None:
    album = an_album(created_at=NOON)
    await albums.add(album)
    await albums.remove(album.id)
    assert await albums.list(ALL, MANY) == []
    with pytest.raises(AlbumNotFoundError):
        await albums.get(album.id)
    with pytest.raises(AlbumNotFoundError):
        await albums.remove(album.id)
