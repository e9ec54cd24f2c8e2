"""The contract of `SongSearch`."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.http.sorting import SortedSlice
from song_service.domain import Song
from song_service.ports import SongRepository
from song_service.search_ports import SongOrder, SongQuery, SongSearch
from tests.repositories.builders import NOON, a_song, minutes
from tests.repositories.searched_songs import add, many_songs, query

TITLES = {
    "Don't Stop Me Now": "Queen",
    "Für Elise": "Ludwig van Beethoven",
    "Straße der Träume": "Łukasz Żółć",
    "Back in Black": "AC/DC",
    "So What": "P!nk",
    "99 Problems": "Jay-Z",
    "7": "Prince",
    "U": "Kendrick Lamar",
    "Ζωή μου": "Άλκηστις Πρωτοψάλτη",
    "Группа крови": "Кино",
    "Đường về nhà": "Nguyễn Văn Ấn",
    "夜に駆ける": "YOASOBI",
    "ハナミズキ": "一青窈",
    "حبيبي يا نور العين": "عمرو دياب",
    "!!!": "???",
    "Ｆｕｌｌｗｉｄｔｈ": "Wide",
    "Rock'n'Roll": "O'Brien-Smith",
    "100% [pure] (love) $1 *": "C.R.Y.S.T.A.L",
}


async def found(search: SongSearch, wanted: SongQuery) -> list[str]:
    songs = [each.entry for each in await search.find(wanted, SortedSlice(100))]
    assert await search.count(wanted) == len(songs)
    return [song.title for song in songs]


@pytest.fixture
async def all_scripts(songs: SongRepository) -> None:
    for number, (title, artist) in enumerate(TITLES.items()):
        await songs.add(a_song(title=title, artist_name=artist, created_at=NOON + minutes(number)))


@pytest.mark.usefixtures("all_scripts")
@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("dont stop", "Don't Stop Me Now"),
        ("don’t STOP", "Don't Stop Me Now"),
        ("now queen me", "Don't Stop Me Now"),
        ("fur eli", "Für Elise"),
        ("FÜR beethoven", "Für Elise"),
        ("strasse", "Straße der Träume"),
        ("STRAßE zolc", "Straße der Träume"),
        ("lukasz", "Straße der Träume"),
        ("ac/dc", "Back in Black"),
        ("acdc", "Back in Black"),
        ("ac dc", "Back in Black"),
        ("p!nk", "So What"),
        ("pnk", "So What"),
        ("99", "99 Problems"),
        ("jay-z", "99 Problems"),
        ("jayz", "99 Problems"),
        ("7", "7"),
        ("u kendrick", "U"),
        ("ζωη", "Ζωή μου"),
        ("ΑΛΚΗΣΤΙΣ ΖΩΉ", "Ζωή μου"),
        ("группа", "Группа крови"),
        ("КРОВИ кино", "Группа крови"),
        ("duong ve", "Đường về nhà"),
        ("nguyễn an", "Đường về nhà"),
        ("夜に", "夜に駆ける"),
        ("駆ける", "夜に駆ける"),
        ("ﾊﾅﾐｽﾞｷ", "ハナミズキ"),
        ("一青", "ハナミズキ"),
        ("حبيبي", "حبيبي يا نور العين"),
        ("دياب نور", "حبيبي يا نور العين"),
        ("!!!", "!!!"),
        ("fullwidth", "Ｆｕｌｌｗｉｄｔｈ"),
        ("rock'n'roll", "Rock'n'Roll"),
        ("rocknroll", "Rock'n'Roll"),
        ("o'brien", "Rock'n'Roll"),
        ("obrien smith", "Rock'n'Roll"),
        ("100% [pure", "100% [pure] (love) $1 *"),
        ("crystal love", "100% [pure] (love) $1 *"),
        ("$1", "100% [pure] (love) $1 *"),
    ],
)
async def test_words_find_titles_in_every_script(song_search: SongSearch, text: str, title: str) -> None:
    assert await found(song_search, query(text)) == [title]


@pytest.mark.usefixtures("all_scripts")
@pytest.mark.parametrize(
    "text",
    [
        "stopp",
        "op",
        ".*",
        "^queens",
        "queens|prince",
        "[queens",
        '"',
        "queen OR prince",
        "NOT queen",
        "NEAR(queen prince)",
        "title_words:queen",
        "que* prince",
        '{"$gt": ""}',
        "queen) OR (prince",
        "'; DROP TABLE songs; --",
        "\\",
        "queen\0prince",
        "ω" * 1000,
        "zz " * 300,
        " ".join(f"{number:03}" for number in range(250)),
    ],
)
async def test_other_text_finds_nothing(song_search: SongSearch, text: str) -> None:
    assert await found(song_search, query(text[:1000])) == []


@pytest.mark.usefixtures("all_scripts")
async def test_long_query_of_matching_words_finds_song(song_search: SongSearch) -> None:
    text = " ".join(["queen", "me", "don't", "now", "stop"] * 100)[:1000]
    assert await found(song_search, query(text)) == ["Don't Stop Me Now"]


async def test_best_matches_come_first(songs: SongRepository, song_search: SongSearch) -> None:
    titles = ["Love", "Love Song", "My Love", "Crazy Love", "Hello", "Lovely"]
    for number, title in enumerate(titles):
        artist = "Courtney Love" if title == "Hello" else "Anna"
        await songs.add(a_song(title=title, artist_name=artist, created_at=NOON + minutes(number)))
    assert await found(song_search, query("love")) == [
        *["Love", "Lovely", "Love Song"],
        *["Crazy Love", "My Love", "Hello"],
    ]


async def test_plays_decide_within_a_rank(songs: SongRepository, song_search: SongSearch) -> None:
    old, new, newest = [a_song(title="Love", created_at=NOON + minutes(number)) for number in range(3)]
    other = a_song(title="Lover")
    await add(songs, old, new, newest, other)
    await song_search.set_plays({old.id: 7, new.id: 2, other.id: 99})
    ranked = [each.entry.id for each in await song_search.find(query("love"), SortedSlice(9))]
    assert ranked == [old.id, new.id, newest.id, other.id]
    assert await songs.get(old.id) == old, "plays change nothing else"


async def test_filters_narrow_lists_and_counts(songs: SongRepository, song_search: SongSearch) -> None:
    made = many_songs(24)
    await add(songs, *made)
    cases: list[tuple[SongQuery, Callable[[Song], bool]]] = [
        (SongQuery(genre="JAZZ"), lambda song: (song.genre or "").lower() == "jazz"),
        (SongQuery(genre="hip-hop"), lambda song: song.genre == "Hip-Hop"),
        (SongQuery(genre="hip"), lambda _: False),
        (SongQuery(mood="Calm"), lambda song: song.mood == "calm"),
        (SongQuery(artist_id=f"{1:024x}"), lambda song: song.artist_id == f"{1:024x}"),
        (SongQuery(album_id=f"{2:024x}"), lambda song: song.album_id == f"{2:024x}"),
        (SongQuery(min_duration=103), lambda song: song.duration >= 103),
        (SongQuery(min_duration=101, max_duration=102), lambda song: song.duration in (101, 102)),
        (SongQuery(min_duration=9, max_duration=3), lambda _: False),
        (query("alpha", genre="jazz"), lambda song: "lpha" in song.title and song.genre in ("Jazz", "jazz")),
    ]
    for wanted, meets in cases:
        expected = {song.id for song in made if meets(song)}
        assert {each.entry.id for each in await song_search.find(wanted, SortedSlice(100))} == expected
        assert await song_search.count(wanted) == len(expected)


async def test_unlisted_songs_are_never_found(songs: SongRepository, song_search: SongSearch) -> None:
    listed, private, hidden, removed = [a_song(title="Blue", genre=f"G{number}") for number in range(4)]
    await add(songs, listed, replace(private, is_public=False), replace(hidden, is_visible=False), removed)
    await songs.remove(removed.id)
    for wanted in (query("blue"), SongQuery(), query("blue", order=SongOrder.TITLE)):
        assert [each.entry for each in await song_search.find(wanted, SortedSlice(9))] == [listed]
        assert await song_search.count(wanted) == 1
    assert await song_search.genres() == {"G0": 1}
    assert len(await song_search.changed_words(None, 9)) == 1
    await songs.change(private.id, {"is_public": True})
    await songs.change(listed.id, {"is_visible": False})
    assert await found(song_search, query("blue")) == ["Blue"]
    assert await song_search.genres() == {"G1": 1}


async def test_changed_title_is_found_at_once(songs: SongRepository, song_search: SongSearch) -> None:
    song = a_song(title="Blue", artist_name="Bill")
    await songs.add(song)
    await songs.change(song.id, {"title": "Grün", "genre": "Folk", "mood": "sad"})
    assert await found(song_search, query("grun bill")) == ["Grün"]
    assert await found(song_search, query("blue")) == []
    assert await found(song_search, SongQuery(genre="folk", mood="SAD")) == ["Grün"]


async def test_genres_are_counted(songs: SongRepository, song_search: SongSearch) -> None:
    await add(songs, *many_songs(10))
    assert await song_search.genres() == {"Jazz": 3, "jazz": 3, "Hip-Hop": 2}


async def test_changed_words_are_read_in_pages(songs: SongRepository, song_search: SongSearch) -> None:
    made = [a_song(title=f"Title{number}", created_at=NOON + minutes(number // 2)) for number in range(5)]
    await add(songs, *made)
    seen: list[str] = []
    after = None
    while page := await song_search.changed_words(after, 2):
        assert len(page) <= 2
        seen += [each.words[0] for each in page]
        after = page[-1].cursor
    assert sorted(seen) == [f"title{number}" for number in range(5)]
    await songs.change(made[0].id, {"title": "Changed"})
    assert [each.words for each in await song_search.changed_words(after, 9)] == [
        ("changed", "bill", "evans")
    ]
