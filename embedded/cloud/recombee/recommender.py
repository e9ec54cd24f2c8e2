"""The recommender: keeps a model of everyone's taste up to date and answers three questions with it.

What is popular, what would this listener like, what is like this song. A model is built when a question
finds that something has changed since the last. Up to `REBUILT_AT_ONCE` interactions that is at every change.
Above, a rebuild is followed by a rest of ten times its own length, so that a busy stream of writes costs a
tenth of the time at most; a listener's own doings and the catalogue count at once at any size.

Not safe for use by two threads at once; everything here computes and must not run on an event loop.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from embedded.cloud.recombee.listening import NO_LISTENING, IntArray, Listening
from embedded.cloud.recombee.reql import Filter
from embedded.cloud.recombee.song_features import CatalogueSong, SongFeatures
from embedded.cloud.recombee.taste_model import Scores, TasteModel

REBUILT_AT_ONCE = 20_000
REST_PER_REBUILD = 10.0
# Of each page of the list at most so many songs are of one artist.
PAGE, MOST_OF_ARTIST = 10, 6
# Beyond these, variety is not worth the search: nobody looks that far down.
VARIED_PLACES = 100
# Scores closer than this are the same, and the song added later comes first.
SCORE_DECIMALS = 9


class ListeningSource(Protocol):
    """Where the catalogue and the interactions are kept. The three counters change whenever the data does."""

    @property
    def catalogue_version(self) -> int: ...

    @property
    def history_version(self) -> int: ...

    @property
    def erasures(self) -> int:
        """Changes when an interaction that may have been read already is changed or deleted."""
        ...

    def songs(self) -> Iterable[CatalogueSong]: ...

    def listening(self, *, after: int) -> tuple[Listening, int]:
        """All interactions stored after the mark `after` (0: all there are), and the mark to go on from."""
        ...

    def listening_of(self, listener: int) -> Listening: ...


@dataclass(frozen=True)
class Wanted:
    """How many songs at most, and which ones may be in the answer."""

    count: int
    song_filter: Filter | None = None
    without: Collection[str] = ()


class Recommender:
    def __init__(
        self,
        source: ListeningSource,
        *,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`clock` gives epoch seconds; `stopwatch` any seconds that only grow."""
        self._source = source
        self._clock = clock
        self._stopwatch = stopwatch
        self._features = SongFeatures([])
        self._listening = NO_LISTENING
        self._mark = 0
        self._model = TasteModel(self._features, self._listening, now=0.0)
        self._seen_catalogue = self._seen_history = self._seen_erasures = -1
        self._rest_until = 0.0
        self.rebuilds = 0

    def popular(self, wanted: Wanted) -> list[str]:
        """The chart: recent listens by distinct listeners; what nobody listened to follows, newest first."""
        self.refresh()
        scores = Scores(self._model.popularity, np.zeros(len(self._features)))
        return self._ids(self._in_order(scores, wanted))

    def personal(self, listener: int, wanted: Wanted) -> list[str]:
        """By this listener's taste, or the chart where there is none yet; what was just heard comes last."""
        self.refresh()
        own = self._source.listening_of(listener)
        return self._ids(self._varied(self._model.personal(own, now=self._clock()), wanted))

    def similar(self, song_id: str, listener: int | None, wanted: Wanted) -> list[str]:
        """Like this song, without it; leaning to the listener's taste. An unknown song is like nothing."""
        self.refresh()
        position = self._features.position_of.get(song_id)
        if position is None:
            return []
        own = None if listener is None else self._source.listening_of(listener)
        scores = self._model.similar(position, own, now=self._clock())
        return self._ids(
            self._varied(scores, Wanted(wanted.count, wanted.song_filter, {*wanted.without, song_id}))
        )

    def allowed(self, wanted: Wanted) -> Iterable[CatalogueSong]:
        """The songs that may be in the answer, in the order in which they were added."""
        self.refresh()
        allowed = self._features.allowed(wanted.song_filter, wanted.without)
        return [self._features.songs[position] for position in np.flatnonzero(allowed)]

    def refresh(self) -> None:
        """Takes in what changed since the last call, or leaves it for later as the module says."""
        source = self._source
        catalogue_changed = source.catalogue_version != self._seen_catalogue
        if not catalogue_changed and (source.history_version == self._seen_history or self._resting()):
            return
        started = self._stopwatch()
        if catalogue_changed:
            self._features = SongFeatures(source.songs())
            self._seen_catalogue = source.catalogue_version
        if source.erasures != self._seen_erasures:
            self._listening, self._mark = NO_LISTENING, 0
            self._seen_erasures = source.erasures
        added, self._mark = source.listening(after=self._mark)
        self._listening = self._listening.followed_by(added)
        self._seen_history = source.history_version
        self._model = TasteModel(self._features, self._listening, now=self._clock())
        self.rebuilds += 1
        finished = self._stopwatch()
        self._rest_until = finished + REST_PER_REBUILD * (finished - started)

    def _resting(self) -> bool:
        return len(self._listening) > REBUILT_AT_ONCE and self._stopwatch() < self._rest_until

    def _ids(self, positions: IntArray) -> list[str]:
        return [self._features.songs[position].id for position in positions]

    def _candidates(self, wanted: Wanted) -> IntArray:
        """Positions of the songs that may be in the answer, newest first."""
        return np.flatnonzero(self._features.allowed(wanted.song_filter, wanted.without))[::-1]

    def _in_order(self, scores: Scores, wanted: Wanted) -> IntArray:
        candidates = self._candidates(wanted)
        total = np.round(scores.liking - scores.against, SCORE_DECIMALS)[candidates]
        return candidates[np.argsort(-total, kind="stable")[: wanted.count]]

    def _varied(self, scores: Scores, wanted: Wanted) -> IntArray:
        """The best first, with at most so many songs of one artist on a page as long as there are others."""
        order = self._in_order(scores, Wanted(len(self._features), wanted.song_filter, wanted.without))
        chosen: list[int] = []
        waiting: list[int] = []
        upcoming = iter(order.tolist())
        on_page: Counter[int] = Counter()
        while len(chosen) < min(wanted.count, len(order), VARIED_PLACES):
            if len(chosen) % PAGE == 0:
                on_page.clear()
            song = self._next(waiting, upcoming, on_page)
            on_page[int(self._features.artist_of[song])] += 1
            chosen.append(song)
        rest = [*waiting, *upcoming][: wanted.count - len(chosen)]
        return np.array([*chosen, *rest], dtype=np.int64)

    def _next(self, waiting: list[int], upcoming: Iterator[int], on_page: Counter[int]) -> int:
        """The best song whose artist may be on the page once more; the best of all when there is none."""
        artist_of = self._features.artist_of
        for at, song in enumerate(waiting):
            if on_page[int(artist_of[song])] < MOST_OF_ARTIST:
                return waiting.pop(at)
        for song in upcoming:
            if on_page[int(artist_of[song])] < MOST_OF_ARTIST:
                return song
            waiting.append(song)
        return waiting.pop(0)
