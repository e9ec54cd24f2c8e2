"""Properties of every recommendation, for any interactions."""

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded.cloud.recombee.listening import Signal
from embedded.cloud.recombee.recommender import Wanted
from tests.cloud.planted_listening import PlantedListening, filtered

GENRES = ("Rock", "Jazz", None)
VALUES = {Signal.RATING: (-0.5, 1.0)}

songs = st.lists(
    st.tuples(st.sampled_from(GENRES), st.sampled_from(("A", "B", "C", None)), st.booleans()),
    min_size=1,
    max_size=12,
)
interactions = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.integers(0, 11),
        st.sampled_from(Signal),
        st.integers(0, 1),
        st.floats(-1, 4000, allow_nan=False),
    ),
    max_size=40,
)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def world_of(
    songs_: list[tuple[str | None, str | None, bool]],
    events: list[tuple[int, int, Signal, int, float]],
) -> PlantedListening:
    world = PlantedListening()
    for number, (genre, artist, listed) in enumerate(songs_):
        world.song(f"song-{number}", genre=genre, artistName=artist, isListed=listed)
    for listener, song, signal, which, days_ago in events:
        value = VALUES.get(signal, (0.0, 0.0))[which]
        world.did(listener, f"song-{song % len(songs_)}", signal, value=value, days_ago=days_ago)
    return world


@quick
@given(songs, interactions, st.integers(1, 15), st.integers(1, 7))
def test_lists_are_complete_distinct_and_deterministic(
    songs_: list[tuple[str | None, str | None, bool]],
    events: list[tuple[int, int, Signal, int, float]],
    count: int,
    listener: int,
) -> None:
    world = world_of(songs_, events)
    listed = {f"song-{number}" for number, song in enumerate(songs_) if song[2]}
    wanted = filtered(count, "'isListed' == true")
    for _ in range(2):
        recommender = world.recommender()
        lists = [
            recommender.popular(wanted),
            recommender.personal(listener, wanted),
            recommender.similar("song-0", None, wanted),
            recommender.similar("song-0", listener, wanted),
        ]
        for position, found in enumerate(lists):
            possible = listed - {"song-0"} if position >= 2 else listed
            assert len(found) == len(set(found)) == min(count, len(possible))
            assert set(found) <= possible
        assert lists == [
            world.recommender().popular(wanted),
            world.recommender().personal(listener, wanted),
            world.recommender().similar("song-0", None, wanted),
            world.recommender().similar("song-0", listener, wanted),
        ]


@quick
@given(songs, interactions)
def test_shorter_list_is_a_prefix(
    songs_: list[tuple[str | None, str | None, bool]],
    events: list[tuple[int, int, Signal, int, float]],
) -> None:
    world = world_of(songs_, events)
    assert world.personal(1, 3) == world.personal(1, 12)[:3]
    assert world.popular(3) == world.popular(12)[:3]
    assert world.similar("song-0", 3) == world.similar("song-0", 12)[:3]


@quick
@given(songs, interactions, st.integers(0, 11))
def test_additional_listener_never_lowers_a_song(
    songs_: list[tuple[str | None, str | None, bool]],
    events: list[tuple[int, int, Signal, int, float]],
    which: int,
) -> None:
    world = world_of(songs_, events)
    song = f"song-{which % len(songs_)}"
    before = world.popular(12).index(song)
    world.completed(100, song, days_ago=0)
    assert world.popular(12).index(song) <= before


@quick
@given(songs, interactions, st.integers(0, 11), st.integers(1, 6))
def test_skip_never_raises_the_song(
    songs_: list[tuple[str | None, str | None, bool]],
    events: list[tuple[int, int, Signal, int, float]],
    which: int,
    listener: int,
) -> None:
    world = world_of(songs_, events)
    song = f"song-{which % len(songs_)}"
    before = world.personal(listener, 12).index(song)
    world.skipped(listener, song, days_ago=0)
    assert world.personal(listener, 12).index(song) >= before


@quick
@given(songs, interactions)
def test_new_listener_gets_played_songs_first(
    songs_: list[tuple[str | None, str | None, bool]],
    events: list[tuple[int, int, Signal, int, float]],
) -> None:
    liked = [interaction for interaction in events if interaction[2] is not Signal.RATING]
    world = world_of(songs_, [(who, what, signal, 1, 5.0) for who, what, signal, _, _ in liked])
    played = {f"song-{what % len(songs_)}" for _, what, _, _, _ in liked}
    shown = world.personal(999, 12)
    assert set(shown[: len(played)]) == played
    assert shown[:1] == world.popular(1)


def test_excessive_count_returns_everything() -> None:
    world = world_of([("Rock", "A", True)] * 5, [])
    assert len(world.recommender().personal(1, Wanted(10_000))) == 5


@quick
@given(st.randoms(use_true_random=False), st.sampled_from((Signal.DETAIL_VIEW, Signal.PURCHASE)))
def test_groups_of_any_size_keep_their_taste(random: Random, signal: Signal) -> None:
    world = PlantedListening()
    own = {
        genre: [
            world.song(f"{genre}-{n}", genre=genre, artistName=f"{genre} artist {n % 3}")
            for n in range(random.randint(6, 15))
        ]
        for genre in ("Rock", "Jazz")
    }
    member = {
        genre: range(first, first + random.randint(3, 30)) for genre, first in (("Rock", 1), ("Jazz", 101))
    }
    for genre, listeners in member.items():
        for listener in listeners:
            for song in random.sample(own[genre], random.randint(3, len(own[genre]) - 3)):
                world.did(listener, song, signal, days_ago=random.uniform(0, 30))
    for genre, listeners in member.items():
        assert set(world.personal(listeners[0], 3)) <= set(own[genre])
