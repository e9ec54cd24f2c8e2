"""The order of `SongSearch`: ranks, sorting, pages."""

from dataclasses import replace
from typing import Any

import pytest

import embedded.sqlite.search
import shared.providers.mongo_search
from shared.http.sorting import SortedSlice
from song_service.ports import SongRepository
from song_service.search_ports import SongOrder, SongQuery, SongSearch
from tests.repositories.builders import a_song
from tests.repositories.searched_songs import add, all_pages, many_songs, query


@pytest.mark.parametrize("order", [None, *SongOrder])
@pytest.mark.parametrize("text", ["", "a", "alp", "artist"])
async def test_pages_hold_every_match_once_in_order(
    songs: SongRepository, song_search: SongSearch, order: SongOrder | None, text: str
) -> None:
    made = many_songs(26)
    await add(songs, *made)
    await song_search.set_plays({song.id: number % 3 for number, song in enumerate(made)})
    wanted = query(text, order=order)
    whole = [each.entry.id for each in await song_search.find(wanted, SortedSlice(100))]
    assert len(set(whole)) == len(whole) == await song_search.count(wanted)
    for limit in (1, 4, 25):
        assert await all_pages(song_search, wanted, limit) == whole


@pytest.mark.parametrize("order", [None, SongOrder.TITLE, SongOrder.LONGEST])
@pytest.mark.parametrize("text", ["a", "al", "alp t", "art", "artist 1", "alpha", "g"])
async def test_order_does_not_depend_on_candidate_limit(
    songs: SongRepository,
    song_search: SongSearch,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    order: SongOrder | None,
) -> None:
    made = [*many_songs(26), a_song(title="The artist", artist_name="Zed"), a_song(title="Artist")]
    await add(songs, *made, replace(a_song(title="Alpha", artist_name="Artist"), is_visible=False))
    await song_search.set_plays({song.id: number % 3 for number, song in enumerate(made)})
    wanted = query(text, order=order)
    few = await song_search.find(wanted, SortedSlice(100))
    for module in (embedded.sqlite.search, shared.providers.mongo_search):
        monkeypatch.setattr(module, "CANDIDATES", 3)
    assert list(await song_search.find(wanted, SortedSlice(100))) == list(few)
    for limit in (1, 5):
        assert await all_pages(song_search, wanted, limit) == [each.entry.id for each in few]


@pytest.mark.parametrize(
    ("order", "key"),
    [
        (SongOrder.NEWEST, lambda song: (-song.created_at.timestamp(), -int(song.id, 16))),
        (SongOrder.OLDEST, lambda song: (song.created_at.timestamp(), song.id)),
        (SongOrder.SHORTEST, lambda song: (song.duration, song.id)),
        (SongOrder.LONGEST, lambda song: (-song.duration, -int(song.id, 16))),
        (SongOrder.ARTIST_NAME, lambda song: (song.artist_name, song.id)),
        (SongOrder.TITLE, lambda song: (song.title.lower().replace("ä", "a"), song.id)),
    ],
)
async def test_results_follow_the_requested_order(
    songs: SongRepository, song_search: SongSearch, order: SongOrder, key: Any
) -> None:
    made = many_songs(20)
    await add(songs, *made)
    ids = [each.entry.id for each in await song_search.find(SongQuery(order=order), SortedSlice(100))]
    assert ids == [song.id for song in sorted(made, key=key)]
