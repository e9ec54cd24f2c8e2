"""The demo's data holds together."""

from collections import Counter

import pytest

from embedded.demo.content import DEMO
from embedded.demo.harmony import Key
from embedded.demo.people import TASTE_GENRES, Listener
from embedded.demo.songs import GENRES, Song

GENRE_OF = {song.title: song.genre for song in DEMO.songs}


def test_demo_has_the_promised_content() -> None:
    assert sum(song.is_listed for song in DEMO.songs) >= 24
    assert {song.genre for song in DEMO.songs} == set(GENRES)
    assert len(GENRES) == 4
    assert min(Counter(song.genre for song in DEMO.songs if song.is_listed).values()) >= 6
    assert len(DEMO.artists) == 4
    assert len(DEMO.albums) == 6
    assert len(DEMO.listeners) >= 8
    assert DEMO.admin.email == "admin@demo.local"


def test_titles_and_addresses_are_unique() -> None:
    everyone = (DEMO.admin, *DEMO.artists, *DEMO.listeners)
    for names in (
        [song.title for song in DEMO.songs],
        [album.title for album in DEMO.albums],
        [person.email for person in everyone],
        [person.full_name for person in everyone],
    ):
        assert len(set(names)) == len(names)


def test_albums_hold_songs_of_one_artist_and_genre() -> None:
    tracks = {
        album.title: [song for song in DEMO.songs if song.album == album.title] for album in DEMO.albums
    }
    assert {song.album for song in DEMO.songs} - {None} == set(tracks)
    for album in DEMO.albums:
        assert album.artist_email in {artist.email for artist in DEMO.artists}
        assert all(song.artist_email == album.artist_email for song in tracks[album.title])
        assert all(song.genre == album.genre for song in tracks[album.title])
        assert len(tracks[album.title]) >= (2 if album.is_public else 1)


def test_each_artist_has_one_song_of_another_genre() -> None:
    for artist in DEMO.artists:
        genres = Counter(song.genre for song in DEMO.songs if song.artist_email == artist.email)
        (_, own), (_, stray) = genres.most_common()
        assert own >= 5
        assert stray == 1


def test_one_song_is_private_and_one_hidden() -> None:
    (private_album,) = (album for album in DEMO.albums if not album.is_public)
    (private_song,) = (song for song in DEMO.songs if not song.is_public)
    (hidden_song,) = (song for song in DEMO.songs if not song.is_visible)
    assert private_song.album == private_album.title
    assert hidden_song.is_public


@pytest.mark.parametrize("listener", DEMO.listeners, ids=lambda listener: listener.full_name)
def test_histories_hold_distinct_listed_songs(listener: Listener) -> None:
    titles = [listen.song for listen in listener.history]
    listed = {song.title for song in DEMO.songs if song.is_listed}
    assert len(titles) >= 7
    assert len(set(titles)) == len(titles)
    assert set(titles) <= listed


@pytest.mark.parametrize("listener", DEMO.listeners, ids=lambda listener: listener.full_name)
def test_listeners_skip_the_other_taste(listener: Listener) -> None:
    own = TASTE_GENRES[listener.taste]
    for listen in listener.history:
        assert (GENRE_OF[listen.song] in own) == (listen.outcome != "skip")
    assert {listen.outcome for listen in listener.history} == {"play", "complete", "skip"}


@pytest.mark.parametrize("listener", DEMO.listeners, ids=lambda listener: listener.full_name)
def test_listeners_of_one_taste_differ_in_songs(listener: Listener) -> None:
    played = {listen.song for listen in listener.history}
    known = {
        listen.song
        for other in DEMO.listeners
        if other.taste == listener.taste
        for listen in other.history
        if listen.outcome != "skip"
    }
    assert len(known - played) >= 3


def test_both_tastes_are_separate_and_have_listeners() -> None:
    night, fireside = TASTE_GENRES["night"], TASTE_GENRES["fireside"]
    assert night.isdisjoint(fireside)
    assert night | fireside == set(GENRES)
    assert min(Counter(listener.taste for listener in DEMO.listeners).values()) >= 4


def test_some_songs_are_clearly_more_popular_than_others() -> None:
    plays = Counter(
        listen.song for listener in DEMO.listeners for listen in listener.history if listen.outcome != "skip"
    )
    counts = [count for _, count in plays.most_common()]
    assert counts[0] >= 5
    assert counts[-1] == 1


@pytest.mark.parametrize("song", DEMO.songs, ids=lambda song: song.title)
def test_every_score_is_playable(song: Song) -> None:
    key = Key.named(song.score.key)
    assert all(1 <= degree <= len(key.scale) for degree in song.score.chords)
    assert 40 <= song.score.seconds <= 60
    assert 50 <= song.score.beats_per_minute <= 180


def test_every_container_is_used_several_times() -> None:
    containers = Counter(song.container for song in DEMO.songs)
    assert set(containers) == {"wav", "flac", "mp3", "ogg"}
    assert min(containers.values()) >= 4
