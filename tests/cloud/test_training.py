"""How models are trained: by EASE, above its limit by a regression for each song, and beside the service."""

import time
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from embedded.cloud.recombee.ease import ease
from embedded.cloud.recombee.listening import Listening, Signal
from embedded.cloud.recombee.local_ridge import local_ridge
from embedded.cloud.recombee.recommender import REBUILT_AT_ONCE, Recommender, Wanted
from embedded.cloud.recombee.relations import Regression
from embedded.cloud.recombee.store import Interaction, RecombeeStore
from embedded.cloud.recombee.trained_model import TrainedModel
from embedded.cloud.recombee.training import TrainingProcess, model_file
from tests.cloud.planted_listening import PlantedListening

TRAINING_SECONDS = 60.0


def random_regression(listeners: int, songs: int) -> Regression:
    rng = np.random.default_rng(5)
    listening = sparse.csr_array((rng.random((listeners, songs)) < 0.2).astype(np.float32))
    features = sparse.csr_array((rng.random((songs, 4)) < 0.3).astype(np.float32))
    return Regression.of(listening, features)


@pytest.mark.parametrize(("listeners", "songs"), [(60, 30), (20, 50)])
def test_ease_solves_the_ridge_regression(listeners: int, songs: int) -> None:
    regression = random_regression(listeners, songs)
    rows = regression.rows.toarray().astype(np.float64)
    inverse = np.linalg.inv(rows.T @ rows + np.diag(regression.ridge))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0.0)
    relations = ease(regression)
    liked = np.random.default_rng(6).random(songs)
    assert np.allclose(relations.scores(liked), liked @ expected, atol=1e-4)


def test_local_ridge_equals_ease_with_all_neighbours() -> None:
    regression = random_regression(200, 60)
    liked = np.random.default_rng(6).random(60)
    assert np.allclose(local_ridge(regression).scores(liked), ease(regression).scores(liked), atol=0.01)


def test_local_ridge_uses_so_many_predictors() -> None:
    weights = sparse.csc_array(local_ridge(random_regression(200, 60), predictors=7).weights)
    assert np.diff(weights.indptr).tolist() == [7] * 60


def test_three_plays_of_another_genre_change_the_list() -> None:
    world = PlantedListening()
    songs = {
        genre: [world.song(f"{genre}-{n}", genre=genre) for n in range(50)] for genre in ("Rock", "Jazz")
    }
    rng = np.random.default_rng(7)
    for genre, first in (("Rock", 100), ("Jazz", 200)):
        for listener in range(first, first + 40):
            world.completed(listener, *(songs[genre][n] for n in rng.choice(50, 15, replace=False)))
    for n in range(30):
        world.completed(1, songs["Rock"][n], days_ago=100 - n)
    assert sum(song in songs["Jazz"] for song in world.personal(1, 10)) == 0
    for n in range(3):
        world.completed(1, songs["Jazz"][n], days_ago=1 - n / 10)
    assert sum(song in songs["Jazz"] for song in world.personal(1, 10)) >= 3


def known_and_new_songs() -> tuple[PlantedListening, list[str], set[str]]:
    """Ninety songs that sixty listeners know, and ten that nobody has heard."""
    world = PlantedListening()
    known = [world.song(f"known-{n}", genre="Rock") for n in range(90)]
    new = {world.song(f"new-{n}", genre="Rock") for n in range(10)}
    rng = np.random.default_rng(8)
    for listener in range(60):
        world.completed(listener, *(known[n] for n in rng.choice(90, 12, replace=False)))
    return world, known, new


def test_new_songs_get_a_bounded_share_of_exposure() -> None:
    world, _, new = known_and_new_songs()
    recommender = world.recommender()
    shown = [song for listener in range(60) for song in recommender.personal(listener, Wanted(10))]
    share = sum(song in new for song in shown) / len(shown)
    assert 0.04 <= share <= 0.1
    assert len(new & set(shown)) >= 5


def test_listener_who_asks_again_gets_the_same_list() -> None:
    world, known, _ = known_and_new_songs()
    recommender = world.recommender()
    for listener in range(60):
        first = recommender.personal(listener, Wanted(50))
        assert recommender.personal(listener, Wanted(50)) == first
    world.completed(99, known[0])
    assert recommender.personal(59, Wanted(50)) != first


def test_short_lists_have_no_place_for_new_songs() -> None:
    world, known, new = known_and_new_songs()
    recommender = world.recommender()
    last_of_page = set()
    for listener in range(60):
        shown = recommender.personal(listener, Wanted(10))
        assert not new & set(shown[:9])
        last_of_page |= new & set(shown[9:])
        assert recommender.personal(listener, Wanted(9)) == shown[:9]
    assert last_of_page
    assert not new & set(recommender.personal(999, Wanted(10)))
    assert not new & set(recommender.similar(known[0], 1, Wanted(10)))


def test_skipped_new_songs_are_shown_no_more() -> None:
    world = PlantedListening()
    known = [world.song(f"known-{n}", genre="Rock") for n in range(90)]
    liked, disliked = (world.song(name, genre="Rock") for name in ("new-liked", "new-skipped"))
    rng = np.random.default_rng(8)
    for listener in range(60):
        world.completed(listener, *(known[n] for n in rng.choice(90, 12, replace=False)))
    for listener in range(60, 64):
        world.skipped(listener, disliked)
    recommender = world.recommender()
    shown = [song for listener in range(60) for song in recommender.personal(listener, Wanted(10))]
    assert shown.count(disliked) == 0
    assert shown.count(liked) > 0


class CountingSource(PlantedListening):
    """Counts the interactions that were read for training."""

    read = 0

    def listening(self, *, after: int) -> tuple[Listening, int]:
        found, mark = super().listening(after=after)
        self.read += len(found)
        return found, mark


def test_deleting_a_song_does_not_read_the_history() -> None:
    world = CountingSource()
    for n in range(5):
        world.song(f"song-{n}")
    world.completed(1, *(f"song-{n}" for n in range(5)))
    recommender = world.recommender()
    assert len(recommender.popular(Wanted(9))) == 5
    assert world.read == 5
    world.delete("song-3")
    assert recommender.popular(Wanted(9)) == ["song-4", "song-2", "song-1", "song-0"]
    assert world.read == 5


@pytest.fixture
def large_store(tmp_path: Path) -> RecombeeStore:
    """More interactions than are trained on at once: nearly all for the first of three songs."""
    store = RecombeeStore(tmp_path / "recombee.sqlite")
    with store.transaction():
        songs = [store.add("items", f"song-{n}") for n in range(3)]
        users = [store.add("users", f"user-{n}") for n in range(50)]
        for n in range(REBUILT_AT_ONCE + 1):
            song = songs[0] if n % 10 else songs[1]
            store.add_interaction(Interaction(users[n % 50], song, Signal.PURCHASE, 0.0, 1e9 + n, {}))
    return store


def test_large_history_is_trained_in_another_process(large_store: RecombeeStore, tmp_path: Path) -> None:
    file = tmp_path / "recombee.sqlite"
    training = TrainingProcess(file, large_store.id)
    try:
        recommender = Recommender(large_store, training=training)
        started = time.monotonic()
        assert recommender.popular(Wanted(3)) == ["song-2", "song-1", "song-0"]
        assert time.monotonic() - started < TRAINING_SECONDS / 4
        deadline = started + TRAINING_SECONDS
        while recommender.rebuilds == 0 and time.monotonic() < deadline:
            recommender.refresh()
            time.sleep(0.1)
        assert recommender.popular(Wanted(3)) == ["song-0", "song-1", "song-2"]
        restarted = TrainingProcess(file, large_store.id)
        try:
            assert Recommender(large_store, training=restarted).popular(Wanted(1)) == ["song-0"]
        finally:
            restarted.close()
    finally:
        training.close()
        large_store.close()
    assert TrainedModel.load(model_file(file), large_store.id) is not None
    assert TrainedModel.load(model_file(file), large_store.id + 1) is None


def test_unreadable_model_file_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "recombee.model.npz"
    path.write_bytes(b"not a model")
    assert TrainedModel.load(path, 1) is None
