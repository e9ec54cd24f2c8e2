"""The recommender on planted tastes."""

import pytest

from embedded.cloud.recombee.listening import Signal
from embedded.cloud.recombee.recommender import REBUILT_AT_ONCE, Recommender, Wanted
from tests.cloud.planted_listening import NOW, PlantedListening, filtered

NEW_LISTENER = 999


@pytest.fixture
def world() -> PlantedListening:
    return PlantedListening()


def two_groups(
    world: PlantedListening, *, with_genres: bool, per_group: int = 12
) -> tuple[list[str], list[str]]:
    """Rock listeners 1..8, jazz listeners 11..18; each completed five of the first eight of their songs."""
    groups = []
    for first_listener, genre in ((1, "Rock"), (11, "Jazz")):
        songs = [
            world.song(
                f"{genre}-{n}",
                **({"genre": genre, "artistName": f"{genre} artist {n % 4}"} if with_genres else {}),
            )
            for n in range(per_group)
        ]
        for listener in range(8):
            world.completed(first_listener + listener, *[songs[(listener + step) % 8] for step in range(5)])
        groups.append(songs)
    return groups[0], groups[1]


@pytest.mark.parametrize("with_genres", [True, False])
def test_recommendations_match_the_taste_of_the_group(world: PlantedListening, with_genres: bool) -> None:
    rock, jazz = two_groups(world, with_genres=with_genres)
    for listener in range(8):
        assert set(world.personal(1 + listener, 3)) <= set(rock)
        assert set(world.personal(11 + listener, 3)) <= set(jazz)


def test_one_completed_song_shows_a_taste(world: PlantedListening) -> None:
    rock, jazz = two_groups(world, with_genres=True)
    for listener in range(20, 30):
        world.completed(listener, rock[0], days_ago=1)
    world.completed(50, jazz[0])
    assert set(world.personal(50, 5)) <= set(jazz)


def test_small_group_keeps_its_recommendations(world: PlantedListening) -> None:
    rock, jazz = two_groups(world, with_genres=False)
    for listener in range(100, 200):
        world.completed(listener, *rock[:6], days_ago=1)
    world.completed(50, jazz[0], jazz[1])
    assert set(world.personal(50, 4)) <= set(jazz)


def test_content_ranks_songs_without_interactions(world: PlantedListening) -> None:
    rock, _ = two_groups(world, with_genres=True)
    assert set(world.personal(1, 12)) == set(rock)
    assert set(world.similar(rock[0], 11)) == set(rock[1:])


def test_new_listener_gets_popular_songs(world: PlantedListening) -> None:
    rock, jazz = two_groups(world, with_genres=True)
    for listener in range(30, 34):
        world.completed(listener, jazz[9], days_ago=1)
    assert world.personal(NEW_LISTENER, 5)[0] == jazz[9]
    assert set(world.personal(NEW_LISTENER, 17)) == {*rock[:8], *jazz[:8], jazz[9]}


def test_newest_songs_come_first_without_interactions(world: PlantedListening) -> None:
    for n in range(6):
        world.song(f"song-{n}")
    newest_first = [f"song-{n}" for n in reversed(range(6))]
    assert world.popular() == newest_first
    assert world.personal(NEW_LISTENER) == newest_first
    assert world.similar("song-3") == [song for song in newest_first if song != "song-3"]


def test_recently_played_songs_come_last(world: PlantedListening) -> None:
    rock, jazz = two_groups(world, with_genres=True)
    best, second = world.personal(1, 2)
    world.completed(1, best, days_ago=0)
    world.skipped(1, second, days_ago=0)
    everything = world.personal(1, len(rock + jazz))
    assert sorted(everything) == sorted(rock + jazz)
    assert everything[-2:] == [best, second]


def test_songs_played_longest_ago_return_first(world: PlantedListening) -> None:
    for n, days_ago in enumerate((1, 90, 3, 20, 0)):
        world.song(f"song-{n}", genre="Rock")
        world.completed(1, f"song-{n}", days_ago=days_ago)
    assert world.personal(1) == ["song-1", "song-3", "song-2", "song-0", "song-4"]


def test_own_history_alone_recommends_nothing(world: PlantedListening) -> None:
    for name in ("own-1", "own-2", "own-3", "of-a-neighbour"):
        world.song(name)
    world.completed(1, "own-1", "own-2", "own-3", days_ago=200, times=20)
    world.completed(2, "own-1", "of-a-neighbour", days_ago=200)
    assert world.personal(1, 1) == ["of-a-neighbour"]


def test_skip_lowers_the_song_and_similar_ones(world: PlantedListening) -> None:
    for genre in ("Rock", "Jazz"):
        for n in range(3):
            world.song(f"{genre}-{n}", genre=genre)
    for listener in range(1, 4):
        world.completed(listener, *[f"{genre}-{n}" for genre in ("Rock", "Jazz") for n in range(3)])
    world.skipped(9, "Jazz-2", days_ago=30)
    order = world.personal(9)
    assert order[:3] == ["Rock-2", "Rock-1", "Rock-0"]
    assert order[-1] == "Jazz-2"


def test_one_skip_does_not_outweigh_a_history(world: PlantedListening) -> None:
    rock, _ = two_groups(world, with_genres=True)
    world.skipped(1, rock[9], days_ago=20)
    assert set(world.personal(1, 6)) <= set(rock)


def test_skip_lowers_a_song_in_the_chart(world: PlantedListening) -> None:
    world.song("skipped")
    world.song("kept")
    world.completed(1, "skipped", "kept", days_ago=2)
    world.completed(2, "skipped", "kept", days_ago=2)
    assert world.popular() == ["kept", "skipped"]
    world.skipped(3, "kept", days_ago=1)
    assert world.popular() == ["skipped", "kept"]


def test_like_outweighs_completion_outweighs_play(world: PlantedListening) -> None:
    for name in ("liked", "completed", "played"):
        world.song(name)
    world.did(1, "liked", Signal.BOOKMARK)
    world.did(1, "completed", Signal.PURCHASE)
    world.did(1, "played", Signal.DETAIL_VIEW)
    assert world.popular() == ["liked", "completed", "played"]


def test_one_listener_cannot_dominate_the_chart(world: PlantedListening) -> None:
    world.song("on-repeat")
    world.song("liked-by-three")
    world.completed(1, "on-repeat", days_ago=1, times=1000)
    for listener in (2, 3, 4):
        world.completed(listener, "liked-by-three", days_ago=1)
    assert world.popular() == ["liked-by-three", "on-repeat"]


def test_old_interactions_fade_from_the_chart(world: PlantedListening) -> None:
    world.song("of-last-season")
    world.song("of-this-week")
    for listener in range(10):
        world.completed(listener, "of-last-season", days_ago=60)
    world.completed(10, "of-this-week", days_ago=1)
    world.completed(11, "of-this-week", days_ago=1)
    assert world.popular() == ["of-this-week", "of-last-season"]


def test_future_timestamp_does_not_outweigh_the_rest(world: PlantedListening) -> None:
    world.song("of-the-future")
    world.song("of-today")
    world.completed(1, "of-the-future", days_ago=-10_000)
    for listener in (2, 3):
        world.completed(listener, "of-today", days_ago=0)
    assert world.popular() == ["of-today", "of-the-future"]


def test_similar_songs_without_interactions_prefer_the_genre(world: PlantedListening) -> None:
    world.song("seed", genre="Rock", artistName="A", mood="calm")
    world.song("same-genre", genre=" rock", artistName="B", mood="wild")
    world.song("same-artist", genre="Jazz", artistName="A", mood="wild")
    world.song("same-mood", genre="Jazz", artistName="B", mood="calm")
    world.song("nothing-in-common", genre="Jazz", artistName="B", mood="wild")
    assert world.similar("seed") == ["same-genre", "same-mood", "same-artist", "nothing-in-common"]


def test_similar_songs_share_their_listeners(world: PlantedListening) -> None:
    for name in ("seed", "shared", "alone", "popular"):
        world.song(name, genre="Rock" if name != "shared" else "Folk")
    for listener in range(1, 7):
        world.completed(listener, "seed", "shared")
    for listener in range(7, 30):
        world.completed(listener, "popular")
    assert world.similar("seed", 1) == ["shared"]


def test_unknown_song_has_no_similar_songs(world: PlantedListening) -> None:
    world.song("song")
    assert world.similar("ghost") == []


def test_one_artist_does_not_fill_the_list(world: PlantedListening) -> None:
    favourite = [world.song(f"favourite-{n}", genre="Rock", artistId="favourite") for n in range(15)]
    for artist in range(5):
        for n in range(4):
            world.song(f"other-{artist}-{n}", genre="Rock", artistId=f"other-{artist}")
    for listener in range(1, 6):
        world.completed(listener, *favourite[:12])
    world.completed(9, *favourite[:5])
    shown = world.personal(9, 10)
    of_favourite = [song for song in shown if song in favourite]
    assert shown[0] in favourite
    assert 2 <= len(of_favourite) <= 7


def test_only_artist_of_genre_may_fill_list(world: PlantedListening) -> None:
    rock = [world.song(f"rock-{n}", genre="Rock", artistId="rocker") for n in range(8)]
    for n in range(20):
        world.song(f"jazz-{n}", genre="Jazz", artistId=f"jazz-{n}")
    for listener in range(1, 6):
        world.completed(listener, *rock[:4])
    world.completed(9, rock[0], rock[1], days_ago=2)
    assert set(world.personal(9, 6)) == set(rock[2:])


def test_only_songs_passing_the_filter_are_considered(world: PlantedListening) -> None:
    for n in range(6):
        world.song(f"song-{n}", isListed=n % 2 == 0)
    world.completed(1, *[f"song-{n}" for n in range(6)])
    recommender = world.recommender()
    wanted = filtered(10, "'isListed' == true")
    listed = {"song-0", "song-2", "song-4"}
    assert set(recommender.popular(wanted)) == listed
    assert set(recommender.personal(1, wanted)) == listed
    assert set(recommender.similar("song-1", None, wanted)) == listed
    world.song("song-0", isListed=False)
    world.song("song-1", isListed=True)
    assert set(recommender.popular(wanted)) == {"song-1", "song-2", "song-4"}


def test_excluded_songs_are_left_out(world: PlantedListening) -> None:
    for n in range(4):
        world.song(f"song-{n}")
    wanted = Wanted(10, without={"song-1", "song-3", "ghost"})
    assert world.recommender().popular(wanted) == ["song-2", "song-0"]
    assert world.recommender().personal(1, wanted) == ["song-2", "song-0"]


def test_deleted_listener_no_longer_counts(world: PlantedListening) -> None:
    world.song("loved")
    world.song("newer")
    recommender = world.recommender()
    world.completed(1, "loved")
    assert recommender.popular(Wanted(1)) == ["loved"]
    world.forget(1)
    assert recommender.popular(Wanted(1)) == ["newer"]


def test_small_model_is_rebuilt_at_each_change(world: PlantedListening) -> None:
    world.song("song")
    recommender = world.recommender()
    for rebuilds in (1, 2, 3):
        world.completed(rebuilds, "song")
        recommender.popular(Wanted(1))
        recommender.personal(1, Wanted(1))
        assert recommender.rebuilds == rebuilds


def test_large_model_applies_own_interactions_before_rebuilding(world: PlantedListening) -> None:
    seconds = 0.0

    def stopwatch() -> float:
        nonlocal seconds
        seconds += 1.0
        return seconds

    for n in range(3):
        world.song(f"song-{n}")
    for number in range(REBUILT_AT_ONCE + 1):
        world.played(number % 50, "song-0")
    recommender = Recommender(world, clock=lambda: NOW, stopwatch=stopwatch)
    assert recommender.popular(Wanted(3)) == ["song-0", "song-2", "song-1"]
    world.completed(77, "song-2", days_ago=0)
    world.completed(78, "song-1", days_ago=0)
    world.completed(79, "song-1", days_ago=0)
    assert recommender.personal(77, Wanted(3))[-1] == "song-2"
    assert recommender.rebuilds == 1
    assert recommender.popular(Wanted(3)) == ["song-0", "song-2", "song-1"]
    seconds += 60.0
    assert recommender.popular(Wanted(3)) == ["song-0", "song-1", "song-2"]
    assert recommender.rebuilds == 2


def test_catalogue_change_applies_at_once(world: PlantedListening) -> None:
    world.song("song")
    for number in range(REBUILT_AT_ONCE + 1):
        world.played(number % 50, "song")
    recommender = world.recommender()
    assert recommender.popular(Wanted(2)) == ["song"]
    world.song("newer")
    assert recommender.popular(Wanted(2)) == ["song", "newer"]
