"""The contract of `SongRepository`, without its queue for the recommendation engine."""

import asyncio
from dataclasses import replace

import pytest

from shared.clock import now
from shared.http.pagination import Slice
from shared.ids import new_id
from song_service.domain import SongChanges, SongNotFoundError
from song_service.ports import SongFilter, SongRepository
from tests.repositories.builders import NOON, a_song

ALL = SongFilter()
MANY = Slice(100)


async def titles(songs: SongRepository, wanted: SongFilter) -> set[str]:
    return {song.title for song in await songs.list(wanted, MANY)}


@pytest.mark.parametrize("title", ["Żółć 雅 🎧", '{"$gt": ""}', "a' OR '1'='1", "$title", "zero\0byte", " "])
async def test_song_is_returned_as_stored(songs: SongRepository, title: str) -> None:
    song = replace(a_song(title=title), album_id=new_id(), mood="calm", genre=None)
    await songs.add(song)
    assert await songs.get(song.id) == song
    assert await songs.list(ALL, MANY) == [song]


async def test_ids_are_case_insensitive(songs: SongRepository) -> None:
    song = a_song(song_id="abcdef" * 4)
    await songs.add(song)
    assert await songs.get(song.id.upper()) == song
    assert await songs.get_many([song.id.upper()]) == [song]


@pytest.mark.parametrize("song_id", ["f" * 24, "not-an-id", "", '{"$gt": ""}'])
async def test_unknown_song_is_not_found(songs: SongRepository, song_id: str) -> None:
    await songs.add(a_song())
    with pytest.raises(SongNotFoundError):
        await songs.get(song_id)
    with pytest.raises(SongNotFoundError):
        await songs.change(song_id, {"title": "t"})
    with pytest.raises(SongNotFoundError):
        await songs.change(song_id, {"title": "t"}, if_revision=1)
    with pytest.raises(SongNotFoundError):
        await songs.remove(song_id)
    assert await songs.get_many([song_id]) == []


async def test_existing_ids_are_found_once(songs: SongRepository) -> None:
    made = [a_song() for _ in range(3)]
    for song in made:
        await songs.add(song)
    wanted = [*(song.id for song in made), made[0].id, "not-an-id", *(new_id() for _ in range(497))]
    found = await songs.get_many(wanted)
    assert sorted(found, key=lambda song: song.id) == sorted(made, key=lambda song: song.id)
    assert await songs.get_many([]) == []


async def test_change_keeps_the_other_fields(songs: SongRepository) -> None:
    song = a_song()
    await songs.add(song)
    before = now()
    changed = await songs.change(song.id, {"title": "So What"})
    assert changed is not None
    assert changed == replace(song, title="So What", revision=2, updated_at=changed.updated_at)
    assert changed.updated_at >= before
    assert await songs.get(song.id) == changed


async def test_every_field_can_be_changed_and_cleared(songs: SongRepository) -> None:
    song, album_id = a_song(), new_id()
    await songs.add(song)
    filled: SongChanges = {
        "title": "So What",
        "album_id": album_id,
        "genre": "modal",
        "mood": "cool",
        "is_public": False,
        "is_visible": False,
    }
    changed = await songs.change(song.id, filled)
    assert changed is not None
    assert changed == replace(song, **filled, revision=2, updated_at=changed.updated_at)
    emptied = await songs.change(song.id, {"album_id": None, "genre": None, "mood": None})
    assert emptied is not None
    assert (emptied.album_id, emptied.genre, emptied.mood, emptied.title) == (None, None, None, "So What")


async def test_change_at_another_revision_changes_nothing(songs: SongRepository) -> None:
    song = a_song()
    await songs.add(song)
    changed = await songs.change(song.id, {"title": "So What"}, if_revision=1)
    assert changed is not None
    assert await songs.change(song.id, {"title": "All Blues"}, if_revision=1) is None
    assert await songs.get(song.id) == changed


async def test_concurrent_flips_at_one_revision_succeed_once(songs: SongRepository) -> None:
    song = a_song()
    await songs.add(song)
    flips = await asyncio.gather(
        *(songs.change(song.id, {"is_public": False}, if_revision=1) for _ in range(8))
    )
    assert [flip.revision for flip in flips if flip is not None] == [2]


async def test_concurrent_changes_are_never_lost(songs: SongRepository) -> None:
    song = a_song()
    await songs.add(song)
    await asyncio.gather(*(songs.change(song.id, {"title": f"Take {n}"}) for n in range(20)))
    assert (await songs.get(song.id)).revision == 21


async def test_filters_narrow_lists_and_counts(songs: SongRepository) -> None:
    bill, miles = new_id(), new_id()
    await songs.add(a_song(title="listed", artist_id=bill))
    await songs.add(a_song(title="private", artist_id=bill, is_public=False))
    await songs.add(a_song(title="hidden", artist_id=bill, is_visible=False))
    await songs.add(a_song(title="other", artist_id=miles))
    for wanted, expected in (
        (ALL, {"listed", "private", "hidden", "other"}),
        (SongFilter(listed_only=True), {"listed", "other"}),
        (SongFilter(artist_id=bill), {"listed", "private", "hidden"}),
        (SongFilter(artist_id=bill, listed_only=True), {"listed"}),
        (SongFilter(artist_id='{"$gt": ""}'), set()),
        (SongFilter(artist_id=""), set()),
    ):
        assert await titles(songs, wanted) == expected
        assert await songs.count(wanted) == len(expected)


async def test_removed_song_is_never_found(songs: SongRepository) -> None:
    kept, removed = a_song(), a_song()
    await songs.add(kept)
    await songs.add(removed)
    await songs.remove(removed.id)
    for wanted in (ALL, SongFilter(listed_only=True), SongFilter(artist_id=removed.artist_id)):
        assert await songs.list(wanted, MANY) == [kept]
        assert await songs.count(wanted) == 1
    assert await songs.get_many([kept.id, removed.id]) == [kept]
    with pytest.raises(SongNotFoundError):
        await songs.get(removed.id)
    with pytest.raises(SongNotFoundError):
        await songs.change(removed.id, {"title": "back"})
    with pytest.raises(SongNotFoundError):
        await songs.change(removed.id, {"title": "back"}, if_revision=2)
    with pytest.raises(SongNotFoundError):
        await songs.remove(removed.id)


async def test_times_keep_their_milliseconds(songs: SongRepository) -> None:
    for microsecond in (0, 1_000, 999_000):
        moment = NOON.replace(microsecond=microsecond)
        song = a_song(created_at=moment)
        await songs.add(song)
        assert (await songs.get(song.id)).created_at == moment
