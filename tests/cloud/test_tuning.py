"""How the engine chooses its parameters on the history itself."""

import functools
import math
from pathlib import Path

import numpy as np
import pytest

from embedded.cloud.recombee.listening import SECONDS_PER_DAY, Listening, Signal
from embedded.cloud.recombee.recommender import REBUILT_AT_ONCE, Recommender, Wanted
from embedded.cloud.recombee.song_index import CatalogueSong, SongIndex
from embedded.cloud.recombee.trained_model import TrainedModel, train
from embedded.cloud.recombee.training import train_and_tune
from embedded.cloud.recombee.tuning import FEWEST_INTERACTIONS, USUAL, Tuning
from embedded.cloud.recombee.validation import FEWEST_LISTENERS, hold_out, tuned
from tests.cloud.planted_listening import NOW, PlantedListening

GENRES, SONGS, LISTENERS, LISTENS = 6, 120, 150, 16


def catalogue(*, with_genres: bool = True) -> SongIndex:
    """Song n is of genre n % GENRES."""
    songs = SongIndex()
    values = [{"genre": f"genre-{n % GENRES}"} if with_genres else {} for n in range(SONGS)]
    songs.apply([CatalogueSong(n + 1, f"song-{n}", values[n]) for n in range(SONGS)], ())
    return songs


def history(*, in_sessions: bool) -> Listening:
    """Each listener hears one genre after the other, or mostly one with songs of any between them."""
    rng = np.random.default_rng(3)
    rows = []
    for listener in range(1, LISTENERS + 1):
        first, second = rng.choice(GENRES, 2, replace=False)
        for place in range(LISTENS):
            if in_sessions:
                genre = first if place < LISTENS // 2 else second
            else:
                genre = first if rng.random() < 0.6 else rng.integers(GENRES)
            song = 1 + int(genre) + GENRES * int(rng.integers(SONGS // GENRES))
            at = NOW - (LISTENS - place) * SECONDS_PER_DAY
            rows.append((listener, song, int(Signal.PURCHASE), 0.0, at))
    return Listening.from_rows(rows)


@functools.cache
def tuned_for(*, in_sessions: bool) -> Tuning:
    return tuned(catalogue(), history(in_sessions=in_sessions), now=NOW)


def test_recency_is_kept_for_listening_in_sessions() -> None:
    assert tuned_for(in_sessions=True).later_songs_for_half == 1.0


def test_recency_is_lowered_for_steady_taste() -> None:
    assert tuned_for(in_sessions=False).later_songs_for_half > 1.0


def test_same_history_gives_the_same_tuning() -> None:
    songs, listening = catalogue(), history(in_sessions=False)
    assert tuned(songs, listening, now=NOW) == tuned_for(in_sessions=False)


def test_tuning_of_few_listeners_is_the_usual() -> None:
    listening = history(in_sessions=False)
    few = listening.where(listening.listener < FEWEST_LISTENERS)
    assert tuned(catalogue(), few, now=NOW) == USUAL


def test_last_songs_are_held_out() -> None:
    listening = history(in_sessions=True)
    held_out = hold_out(listening)
    assert len(held_out.wanted) == LISTENERS
    assert len(held_out.rest) < len(listening)
    for own, wanted in zip(held_out.own, held_out.wanted, strict=True):
        whole = listening.where(listening.listener == own.listener[0])
        later = whole.where(whole.at > own.at.max())
        assert not set(wanted.tolist()) & set(own.song.tolist())
        assert set(wanted.tolist()) <= set(later.song.tolist())
        rest = held_out.rest.where(held_out.rest.listener == own.listener[0])
        assert len(rest) == len(own)


def test_songs_of_one_moment_are_held_out_whole() -> None:
    """A play and a completion of a song belong together, though neither is later than the other songs."""
    rows = [
        (listener, song, int(signal), 0.0, NOW)
        for listener in range(5)
        for song in range(1, 11)
        for signal in (Signal.DETAIL_VIEW, Signal.PURCHASE)
    ]
    held_out = hold_out(Listening.from_rows(rows))
    for own, wanted in zip(held_out.own, held_out.wanted, strict=True):
        assert len(wanted) == 2
        assert len(own) == 16
        assert not set(wanted.tolist()) & set(own.song.tolist())
    assert len({tuple(wanted.tolist()) for wanted in held_out.wanted}) > 1


@pytest.mark.parametrize(
    ("tuned_with", "interactions", "is_due"),
    [
        (0, FEWEST_INTERACTIONS - 1, False),
        (0, FEWEST_INTERACTIONS, True),
        (5000, 9999, False),
        (5000, 10_000, True),
        (5000, 2501, False),
        (5000, 2500, True),
    ],
)
def test_tuning_is_due_when_the_history_doubled(tuned_with: int, interactions: int, is_due: bool) -> None:
    assert Tuning(interactions=tuned_with).is_due(interactions) is is_due


def test_training_stores_the_tuning_with_the_model(tmp_path: Path) -> None:
    path, songs, listening = tmp_path / "model.npz", catalogue(), history(in_sessions=False)
    train_and_tune(songs, listening, path, source=1)
    stored = TrainedModel.load(path, 1)
    assert stored is not None
    assert stored.tuning.interactions == len(listening)
    assert stored.tuning.later_songs_for_half > 1.0
    again = train(songs, listening, now=NOW, tuning=stored.tuning)
    liked = np.ones(SONGS)
    assert np.allclose(again.relations.scores(liked), stored.relations.scores(liked))


def test_infinite_recency_survives_the_model_file(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    tuning = Tuning(later_songs_for_half=math.inf)
    train(catalogue(), history(in_sessions=True), now=NOW, tuning=tuning).save(path, 1)
    stored = TrainedModel.load(path, 1)
    assert stored is not None
    assert stored.tuning == tuning


class TrainingElsewhere:
    """A Training whose end and result the test decides."""

    def __init__(self) -> None:
        self.starts = 0
        self.is_running = False
        self.result: TrainedModel | None = None

    def start(self) -> None:
        self.starts += 1
        self.is_running = True

    def finished(self) -> bool:
        return not self.is_running

    def trained(self) -> TrainedModel | None:
        result, self.result = self.result, None
        return result


def test_small_history_is_tuned_beside_the_service() -> None:
    world, training = PlantedListening(), TrainingElsewhere()
    rock, jazz = ([world.song(f"{genre}-{n}", genre=genre) for n in range(8)] for genre in ("Rock", "Jazz"))
    for fan in range(100, 200):
        world.completed(fan, *(rock[(fan + n) % 8] for n in range(6)))
        world.completed(fan + 100, *(jazz[(fan + n) % 8] for n in range(6)))
    for days_ago, song in ((30, rock[0]), (20, rock[1]), (10, jazz[0])):
        world.completed(1, song, days_ago=days_ago)
    recommender = Recommender(world, clock=lambda: NOW, training=training)
    assert recommender.personal(1, Wanted(1))[0] in jazz
    assert training.starts == 1
    world.completed(2, rock[0])
    assert recommender.personal(1, Wanted(1))[0] in jazz
    assert training.starts == 1
    songs = SongIndex()
    songs.apply(world.song_changes(after=0).changed, ())
    tuning = Tuning(later_songs_for_half=math.inf, interactions=world.interaction_count)
    training.result = train(songs, world.listening(after=0)[0], now=NOW, tuning=tuning)
    training.is_running = False
    world.completed(3, rock[0])
    assert recommender.personal(1, Wanted(1))[0] in rock
    assert training.starts == 1


def test_history_that_doubled_is_trained_without_pause() -> None:
    seconds = 0.0
    world, training = PlantedListening(), TrainingElsewhere()
    world.song("song")
    for number in range(REBUILT_AT_ONCE + 1):
        world.played(number % 50, "song")
    recommender = Recommender(world, clock=lambda: NOW, stopwatch=lambda: seconds, training=training)
    recommender.refresh()
    assert training.starts == 1
    seconds, training.is_running = 100.0, False
    world.played(1, "song")
    recommender.refresh()
    assert training.starts == 1
    for number in range(REBUILT_AT_ONCE + 1):
        world.played(number % 50, "song")
    recommender.refresh()
    assert training.starts == 2
