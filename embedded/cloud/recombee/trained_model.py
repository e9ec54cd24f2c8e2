"""What is learned from all interactions, what is popular and how songs relate, as arrays for a file."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from embedded.cloud.recombee.ease import ease
from embedded.cloud.recombee.listening import FloatArray, IntArray, Listening, decay, strength
from embedded.cloud.recombee.local_ridge import PREDICTORS, local_ridge
from embedded.cloud.recombee.relations import Regression, SongRelations
from embedded.cloud.recombee.song_index import SongIndex
from embedded.cloud.recombee.tuning import USUAL, Tuning

# EASE takes time with the third power of this and memory with the second: 5,000 take ten seconds and 200 MB.
LARGEST_EASE = 5000
POPULARITY_HALF_LIFE_DAYS = 10.0
# A skip weighs half as much against a song's popularity as it weighs against it for the one who skipped.
SKIPS_AGAINST_POPULARITY = 0.5


@dataclass(frozen=True)
class TrainedModel:
    """`numbers` of the songs it knows, ascending; all else is by their positions there.

    `popularity` is from -1 to 1, `audience` the number of listeners who like the song, `until` the time of
    the newest interaction.
    """

    numbers: IntArray
    popularity: FloatArray
    audience: IntArray
    relations: SongRelations
    until: float
    tuning: Tuning = USUAL

    def save(self, path: Path, source: int) -> None:
        """Replaces the file at once, or not at all. `source` identifies the data that it was trained on."""
        weights = self.relations.weights
        arrays = (
            {"dense": weights}
            if isinstance(weights, np.ndarray)
            else {"data": weights.data, "indices": weights.indices, "indptr": weights.indptr}
        )
        written = path.with_suffix(".part")
        with written.open("wb") as file:
            np.savez(
                file,
                source=np.int64(source),
                numbers=self.numbers,
                popularity=self.popularity,
                audience=self.audience,
                own_share=self.relations.own_share,
                until=np.float64(self.until),
                tuning=np.array(json.dumps(self.tuning.stored())),
                **arrays,
            )
        written.replace(path)

    @classmethod
    def load(cls, path: Path, source: int) -> "TrainedModel | None":
        """None when there is none of that data, or none that can be read."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                if int(stored["source"]) != source:
                    return None
                count = len(stored["numbers"])
                weights = (
                    stored["dense"]
                    if "dense" in stored
                    else sparse.csr_array(
                        (stored["data"], stored["indices"], stored["indptr"]), shape=(count, count)
                    )
                )
                return cls(
                    stored["numbers"],
                    stored["popularity"],
                    stored["audience"],
                    SongRelations(weights, stored["own_share"]),
                    float(stored["until"]),
                    Tuning(**json.loads(str(stored["tuning"]))),
                )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def untrained() -> TrainedModel:
    nothing = SongRelations(np.zeros((0, 0), dtype=np.float32), np.zeros(0, dtype=np.float32))
    return TrainedModel(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0, dtype=np.int64), nothing, 0.0)


def train(songs: SongIndex, listening: Listening, *, now: float, tuning: Tuning = USUAL) -> TrainedModel:
    """`now` in epoch seconds only caps what claims to come from the future."""
    if not len(songs):
        return untrained()
    known = listening.where(np.isin(listening.song, songs.numbers))
    until = min(float(known.at.max()), now) if len(known) else now
    listeners, rows = np.unique(known.listener, return_inverse=True)
    positions = np.searchsorted(songs.numbers, known.song)
    liked = _liked(rows, positions, known, shape=(len(listeners), len(songs)))
    return TrainedModel(
        songs.numbers.copy(),
        _popularity(rows, positions, known, len(songs), until),
        np.bincount(liked.indices, minlength=len(songs)),
        relations_of(liked, songs, tuning),
        until,
        tuning,
    )


def relations_of(liked: sparse.csr_array, songs: SongIndex, tuning: Tuning) -> SongRelations:
    """`liked` is listener x song."""
    regression = Regression.of(liked, songs.distinctive(), tuning)
    if regression.size <= LARGEST_EASE and math.isinf(tuning.predictors):
        return ease(regression)
    return local_ridge(regression, int(min(tuning.predictors, PREDICTORS)))


def _liked(
    rows: IntArray, positions: IntArray, known: Listening, *, shape: tuple[int, int]
) -> sparse.csr_array:
    """Listener x song: how much the song is liked, where it is."""
    liked = sparse.csr_array((known.weights(), (rows, positions)), shape=shape)
    liked.sum_duplicates()
    liked.data = strength(liked.data).astype(np.float32)
    liked.eliminate_zeros()
    return liked


def _popularity(
    rows: IntArray, songs: IntArray, listening: Listening, song_count: int, until: float
) -> FloatArray:
    """-1..1, the most popular song has 1.

    Of what one listener did with one song the weightiest counts whole, the next half, the next a quarter:
    nobody adds more than twice what one listen adds, however often they listen. For and against count apart.
    """
    weights = listening.weights()
    against = weights < 0
    weights = np.where(against, weights * SKIPS_AGAINST_POPULARITY, weights)
    weights *= decay(listening.at, until=until, half_life_days=POPULARITY_HALF_LIFE_DAYS)
    pairs = (rows * max(song_count, 1) + songs) * 2 + against
    order = np.lexsort((-np.abs(weights), pairs))
    sorted_pairs = pairs[order]
    starts = np.flatnonzero(np.r_[True, sorted_pairs[1:] != sorted_pairs[:-1]]) if len(order) else order
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    counted = weights[order] * np.exp2(-place.astype(np.float64))
    total = np.bincount(songs[order], weights=counted, minlength=song_count).astype(np.float64, copy=False)
    highest = float(np.abs(total).max(initial=0.0))
    return total / highest if highest else total
