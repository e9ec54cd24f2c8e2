"""The recommender: keeps a trained model up to date and makes three kinds of recommendations.

What is popular, what would this listener like, what is like this song. The catalogue and the listener's own
interactions count at once; those of others when the model is trained again. With up to `REBUILT_AT_ONCE`
interactions that is at every change. Above, it is in a process of its own, and after each time there is a
pause of ten times its length, so that a stream of plays and edits costs a tenth of a core at most.

Not safe for use by two threads at once; everything here computes and must not run on an event loop.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from embedded.cloud.recombee.listening import NO_LISTENING, IntArray, Listening
from embedded.cloud.recombee.ranking import (
    CONSIDERED_NEW,
    DEFAULT_VARIETY,
    SPARE_FOR_VARIETY,
    TIMES_SHOWN_FOR_HALF,
    Variety,
    in_order,
    varied,
    with_new_songs,
)
from embedded.cloud.recombee.reql import Filter
from embedded.cloud.recombee.song_index import SongChanges, SongIndex
from embedded.cloud.recombee.taste_model import Scores, TasteModel
from embedded.cloud.recombee.trained_model import TrainedModel, train, untrained
from embedded.cloud.recombee.tuning import GROWTH_BETWEEN
from embedded.cloud.recombee.validation import tuned

REBUILT_AT_ONCE, SONGS_REBUILT_AT_ONCE = 20_000, 2_000
PAUSE_PER_TRAINING = 10.0
# Listeners whose order of new songs is kept while nothing changes.
MOST_REMEMBERED = 1_000


class ListeningSource(Protocol):
    """Where the catalogue and the interactions are kept. The counters change whenever the data does."""

    @property
    def catalogue_version(self) -> int: ...

    @property
    def history_version(self) -> int: ...

    @property
    def erasures(self) -> int:
        """Changes when an interaction is changed or deleted, other than together with its song."""
        ...

    @property
    def interaction_count(self) -> int: ...

    def song_changes(self, *, after: int) -> SongChanges:
        """Since that version of the catalogue; 0 is before everything."""
        ...

    def listening(self, *, after: int) -> tuple[Listening, int]:
        """All interactions stored after the mark `after` (0: all there are), and the mark to go on from."""
        ...

    def listening_of(self, listener: int) -> Listening: ...


class Training(Protocol):
    """Trains models elsewhere, one at a time."""

    def start(self) -> None:
        """On all data as it is now."""
        ...

    def finished(self) -> bool:
        """Whether none is under way."""
        ...

    def trained(self) -> TrainedModel | None:
        """The newest model, once; None when there is none that was not returned yet."""
        ...


@dataclass(frozen=True)
class Wanted:
    """The most songs to return, which ones are allowed, and how the list is composed.

    `lowest_liking` leaves out what is liked less than this share of the best (0: nothing is left out).
    """

    count: int
    song_filter: Filter | None = None
    without: Collection[str] = ()
    variety: Variety = DEFAULT_VARIETY
    lowest_liking: float = 0.0


class Recommender:
    def __init__(
        self,
        source: ListeningSource,
        *,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.perf_counter,
        training: Training | None = None,
    ) -> None:
        """`clock` gives epoch seconds; `stopwatch` any seconds that only grow. Without `training` models are
        trained here, whatever their size.
        """
        self._source = source
        self._clock = clock
        self._stopwatch = stopwatch
        self._training = training
        self._songs = SongIndex()
        self._seen_catalogue = 0
        self._listening = NO_LISTENING
        self._mark = 0
        self._seen_erasures = source.erasures
        self._trained = untrained()
        self._trained_history = -1
        self._model = TasteModel(self._songs, self._trained)
        self._training_since: float | None = None
        self._pause_until = 0.0
        # Interactions when training elsewhere was last started.
        self._started_with = 0
        self._times_shown: Counter[int] = Counter()
        # By listener: how often a new song had been shown when they asked first since the last change. Who
        # asks again gets the same order.
        self._times_shown_before: dict[int, dict[int, int]] = {}
        self._seen_versions = (0, 0)
        self.rebuilds = 0

    def popular(self, wanted: Wanted) -> list[str]:
        """The chart: recent listens by distinct listeners; what nobody listened to follows, newest first."""
        self.refresh()
        scores = Scores(self._model.popularity, np.zeros(len(self._songs)))
        return self._ids(in_order(scores, self._candidates(wanted), wanted.count))

    def personal(self, listener: int, wanted: Wanted) -> list[str]:
        """By this listener's taste, or the chart where there is none yet; what was just played comes last."""
        self.refresh()
        own = self._source.listening_of(listener)
        scores = self._model.personal(own, now=self._clock())
        candidates = self._relevant(scores, wanted)
        order = in_order(scores, candidates, wanted.count + SPARE_FOR_VARIETY)
        if scores.has_taste:
            new = candidates[self._model.is_new[candidates]]
            share = len(new) / max(len(candidates), 1)
            new = self._most_promising(new[~np.isin(self._songs.numbers[new], own.song)], scores, listener)
            order = with_new_songs(order, new, share=share, turn=listener + len(own))
        chosen = varied(order, self._songs.artist_of, wanted.count, wanted.variety)
        self._times_shown.update(self._songs.numbers[chosen].tolist())
        return self._ids(chosen)

    def _most_promising(self, new: IntArray, scores: Scores, listener: int) -> IntArray:
        """The best first, where one that was shown often and still is new counts less."""
        new = in_order(scores, new, CONSIDERED_NEW)
        numbers = self._songs.numbers[new].tolist()
        if listener not in self._times_shown_before and len(self._times_shown_before) >= MOST_REMEMBERED:
            self._times_shown_before.clear()
        before = self._times_shown_before.setdefault(listener, {})
        shown = np.array([before.setdefault(number, self._times_shown[number]) for number in numbers])
        worth = scores.liking[new] / (1.0 + shown / TIMES_SHOWN_FOR_HALF)
        return new[np.argsort(-worth, kind="stable")]

    def similar(self, song_id: str, listener: int | None, wanted: Wanted) -> list[str]:
        """Like this song, without it; leaning to the listener's taste. An unknown song is like nothing."""
        self.refresh()
        position = self._songs.position_of.get(song_id)
        if position is None:
            return []
        own = None if listener is None else self._source.listening_of(listener)
        scores = self._model.similar(position, own, now=self._clock())
        candidates = self._relevant(scores, replace(wanted, without={*wanted.without, song_id}))
        order = in_order(scores, candidates, wanted.count + SPARE_FOR_VARIETY)
        return self._ids(varied(order, self._songs.artist_of, wanted.count, wanted.variety))

    def refresh(self) -> None:
        """Takes in what changed since the last call, or leaves it for later as the module says."""
        source = self._source
        versions = source.catalogue_version, source.history_version
        if versions != self._seen_versions:
            self._times_shown_before.clear()
            self._seen_versions = versions
        if source.catalogue_version != self._seen_catalogue:
            changes = source.song_changes(after=self._seen_catalogue)
            self._songs.apply(changes.changed, changes.deleted)
            self._seen_catalogue = changes.version
            self._model = TasteModel(self._songs, self._trained)
        training, is_large = self._training, self._is_large()
        if training is not None:
            self._collect(training, is_large)
        if source.history_version == self._trained_history:
            return
        may_train = self._stopwatch() >= self._pause_until
        if training is None:
            if may_train or not is_large:
                self._train_here()
        elif not is_large:
            self._train_here()
            if self._has_grown() and self._trained.tuning.is_due(source.interaction_count):
                self._start(training)
        elif may_train or self._has_grown():
            self._start(training)

    def _collect(self, training: Training, is_large: bool) -> None:
        """The result of training elsewhere, of which a small model takes the tuning only."""
        if self._training_since is not None and training.finished():
            self._pause(self._training_since)
            self._training_since = None
        if trained := training.trained():
            self._use(trained)
            if not is_large:
                self._trained_history = -1

    def _start(self, training: Training) -> None:
        if self._training_since is None:
            self._trained_history = self._source.history_version
            self._started_with = self._source.interaction_count
            self._training_since = self._stopwatch()
            training.start()

    def _has_grown(self) -> bool:
        """So much since training was last started that it is worth no pause."""
        return self._source.interaction_count >= GROWTH_BETWEEN * self._started_with

    def _train_here(self) -> None:
        source, started = self._source, self._stopwatch()
        if source.erasures != self._seen_erasures:
            self._listening, self._mark = NO_LISTENING, 0
            self._seen_erasures = source.erasures
        added, self._mark = source.listening(after=self._mark)
        self._listening = self._listening.followed_by(added)
        self._trained_history = source.history_version
        now, tuning = self._clock(), self._trained.tuning
        if self._training is None and tuning.is_due(len(self._listening)):
            tuning = tuned(self._songs, self._listening, now=now)
        self._use(train(self._songs, self._listening, now=now, tuning=tuning))
        self._pause(started)

    def _use(self, trained: TrainedModel) -> None:
        self._trained = trained
        self._model = TasteModel(self._songs, trained)
        self.rebuilds += 1

    def _pause(self, since: float) -> None:
        now = self._stopwatch()
        self._pause_until = now + PAUSE_PER_TRAINING * (now - since)

    def _is_large(self) -> bool:
        return self._source.interaction_count > REBUILT_AT_ONCE or len(self._songs) > SONGS_REBUILT_AT_ONCE

    def _ids(self, positions: IntArray | list[int]) -> list[str]:
        return [self._songs.songs[position].id for position in positions]

    def _candidates(self, wanted: Wanted) -> IntArray:
        """Positions of the allowed songs, newest first."""
        return np.flatnonzero(self._songs.allowed(wanted.song_filter, wanted.without))[::-1]

    def _relevant(self, scores: Scores, wanted: Wanted) -> IntArray:
        """The candidates that are liked enough."""
        candidates = self._candidates(wanted)
        if not wanted.lowest_liking:
            return candidates
        liking = (scores.liking - scores.against)[candidates]
        relevant: IntArray = candidates[liking >= wanted.lowest_liking * liking.max(initial=0.0)]
        return relevant
