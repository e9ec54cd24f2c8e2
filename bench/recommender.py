"""How good the local engine's recommendations are: `LISTENING_DATA=FOLDER python -m bench.recommender [set
...]`.

The folder holds, for each set NAME, `NAME.{train,valid,test}.tsv.gz` (listener, song, position of the
listen in the listener's history from 0 to 1) and `NAME.songs.tsv.gz` (song, artist, genre, mood).
Everything is fitted on train and valid; then all songs that a listener does not have in those are ranked
and compared with the test. The engine runs as in the local cloud, out of its store: each listen is a play
and a completion, spread over 90 days. Differences to the baselines are per listener, with the 95 %
confidence interval of their mean. The ridge of EASE is chosen on valid, fitted on train; the engine sees
train and valid only, and chooses its own tuning on parts of those. Songs with equal scores are ranked in the
order of their numbers, for every method.
"""

import gzip
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from embedded.cloud.recombee.listening import SECONDS_PER_DAY, Signal
from embedded.cloud.recombee.recommender import Recommender, Wanted
from embedded.cloud.recombee.store import Interaction, RecombeeStore

DAYS, BEST, RIDGES = 90, 20, (20.0, 50.0, 100.0, 200.0, 400.0, 800.0)
# EASE with more songs would take more than 3 GB, and minutes for each ridge.
MOST_SONGS_FOR_EASE = 15_000
# Listeners whose history is cut to this many listens, to see what the engine makes of newcomers.
NEWCOMERS_OF_HUNDRED, NEWCOMERS_KEEP = 20, (1, 3, 5)
DISCOUNT = 1.0 / np.log2(np.arange(2, 12))

Ranks = dict[int, Sequence[int]]
# By listener.
Songs = dict[int, set[int]]
Score = Callable[[int], NDArray[np.float64]]


@dataclass(frozen=True)
class Listens:
    listener: NDArray[np.int64]
    song: NDArray[np.int64]
    position: NDArray[np.float64]

    def where(self, mask: NDArray[np.bool_]) -> "Listens":
        return Listens(self.listener[mask], self.song[mask], self.position[mask])

    def followed_by(self, later: "Listens") -> "Listens":
        return Listens(
            np.concatenate((self.listener, later.listener)),
            np.concatenate((self.song, later.song)),
            np.concatenate((self.position, later.position)),
        )

    def matrix(self, songs: int) -> sparse.csr_array:
        matrix = sparse.csr_array(
            (np.ones(len(self.song)), (self.listener, self.song)), shape=(int(self.listener.max()) + 1, songs)
        )
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    def songs_of(self) -> Songs:
        found: Songs = {}
        for listener, song in zip(self.listener.tolist(), self.song.tolist(), strict=True):
            found.setdefault(listener, set()).add(song)
        return found


@dataclass(frozen=True)
class DataSet:
    """`songs` has number, artist, genre and mood of each, empty where it is not known."""

    name: str
    train: Listens
    valid: Listens
    test: Listens
    songs: Sequence[Sequence[str]]

    @property
    def fit(self) -> Listens:
        return self.train.followed_by(self.valid)

    @classmethod
    def read(cls, folder: Path, name: str) -> "DataSet":
        train, valid, test = (read(folder, f"{name}.{part}") for part in ("train", "valid", "test"))
        return cls(name, train, valid, test, [*rows(folder, f"{name}.songs")])


def rows(folder: Path, name: str) -> Iterator[list[str]]:
    with gzip.open(folder / f"{name}.tsv.gz", "rt") as lines:
        for line in lines:
            yield line.rstrip("\n").split("\t")


def read(folder: Path, name: str) -> Listens:
    table = np.array([row[:3] for row in rows(folder, name)], dtype=np.float64).reshape(-1, 3)
    return Listens(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2])


def best_of(scores: NDArray[np.float64], has: set[int]) -> list[int]:
    scores[list(has)] = -np.inf
    lowest = np.partition(scores, -BEST)[-BEST] if len(scores) > BEST else -np.inf
    best = np.flatnonzero(scores >= lowest)
    return [int(song) for song in best[np.argsort(-scores[best], kind="stable")[:BEST]]]


def popularity(fit: sparse.csr_array) -> Score:
    audience = np.asarray(fit.sum(axis=0)).ravel()
    return lambda listener: audience.copy()


def item_item(fit: sparse.csr_array) -> Score:
    """The sum of the cosines of each song with those that the listener has, without all cosines in memory."""
    unit = fit @ sparse.diags_array(1.0 / np.sqrt(np.maximum(np.asarray(fit.sum(axis=0)).ravel(), 1.0)))
    by_song = unit.T.tocsr()
    return lambda listener: np.asarray(by_song @ (unit @ fit[[listener]].toarray().ravel()))


def ease(fit: sparse.csr_array, ridge: float) -> Score:
    gram = (fit.T @ fit).toarray().astype(np.float32)
    inverse = np.linalg.inv(gram + ridge * np.eye(len(gram), dtype=np.float32))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return lambda listener: np.asarray(fit[[listener]] @ weights)[0].astype(np.float64)


def ranked(score: Score, has: Songs, whom: Sequence[int]) -> Ranks:
    return {listener: best_of(score(listener), has[listener]) for listener in whom}


def best_ridge(data: DataSet) -> float:
    """The one with the best nDCG@10 on valid, fitted on train."""
    has, truth = data.train.songs_of(), wanted_of(data.valid, data.train)
    fit = data.train.matrix(len(data.songs))
    return max(RIDGES, key=lambda ridge: ndcg(ranked(ease(fit, ridge), has, [*truth]), truth).mean())


def engine(data: DataSet, listens: Listens, has: Songs, whom: Sequence[int]) -> tuple[Ranks, str]:
    """What the engine ranks, out of its own store, and how long it took."""
    with tempfile.TemporaryDirectory() as directory:
        store = RecombeeStore(Path(directory) / "bench.sqlite")
        try:
            with store.transaction():
                numbers = fill(store, data, listens)
            started = time.perf_counter()
            recommender = Recommender(store)
            recommender.refresh()
            trained = time.perf_counter()
            ranks: Ranks = {}
            for listener in whom:
                without = {str(song) for song in has[listener]}
                found = recommender.personal(numbers[listener], Wanted(BEST, None, without))
                ranks[listener] = [int(song) for song in found]
            each = 1000 * (time.perf_counter() - trained) / len(whom)
        finally:
            store.close()
    return ranks, f"trained in {trained - started:.1f} s, {each:.1f} ms for each listener"


def fill(store: RecombeeStore, data: DataSet, listens: Listens) -> dict[int, int]:
    """The store's number of each listener."""
    songs = {}
    for song, artist, genre, mood in data.songs:
        songs[int(song)] = store.add("items", song)
        values = {"artistName": artist, "genre": genre, "mood": mood}
        store.set_values("items", songs[int(song)], {key: value for key, value in values.items() if value})
    listeners = {who: store.add("users", str(who)) for who in np.unique(listens.listener).tolist()}
    now = time.time()
    columns = (listens.listener.tolist(), listens.song.tolist(), listens.position.tolist())
    for listener, song, position in zip(*columns, strict=True):
        at = now - DAYS * SECONDS_PER_DAY * (1.0 - position)
        for signal in (Signal.DETAIL_VIEW, Signal.PURCHASE):
            store.add_interaction(Interaction(listeners[listener], songs[song], signal, 0.0, at, {}))
    return listeners


def wanted_of(test: Listens, fit: Listens) -> Songs:
    """What each listener of the test has there and not in the fit."""
    has = fit.songs_of()
    wanted = {who: songs - has[who] for who, songs in test.songs_of().items() if who in has}
    return {who: songs for who, songs in sorted(wanted.items()) if songs}


def ndcg(ranks: Ranks, truth: Songs) -> NDArray[np.float64]:
    values = []
    for listener, wanted in truth.items():
        hits = np.array([song in wanted for song in ranks[listener][:10]])
        values.append((hits * DISCOUNT[: len(hits)]).sum() / DISCOUNT[: min(10, len(wanted))].sum())
    return np.array(values)


def recall(ranks: Ranks, truth: Songs, count: int) -> float:
    return float(
        np.mean([len(wanted & set(ranks[who][:count])) / len(wanted) for who, wanted in truth.items()])
    )


def report(method: str, ranks: Ranks, truth: Songs, engines: NDArray[np.float64] | None) -> None:
    values = ndcg(ranks, truth)
    coverage = len({song for who in truth for song in ranks[who][:10]})
    line = f"  {method:<22} nDCG@10 {values.mean():.4f}  recall@10 {recall(ranks, truth, 10):.4f}"
    line += f"  @20 {recall(ranks, truth, 20):.4f}  songs shown {coverage:5d}"
    if engines is not None:
        difference = engines - values
        interval = 1.96 * difference.std(ddof=1) / np.sqrt(len(difference))
        line += f"  engine {difference.mean():+.4f} ± {interval:.4f}"
    print(line, flush=True)


def measure(data: DataSet) -> None:
    fit, test, songs = data.fit, data.test, len(data.songs)
    has, truth = fit.songs_of(), wanted_of(test, fit)
    print(f"{data.name}: {len(truth)} listeners, {songs} songs", flush=True)
    ranks, times = engine(data, fit, has, [*truth])
    print(f"  ({times})")
    engines = ndcg(ranks, truth)
    report("the local engine", ranks, truth, None)
    matrix = fit.matrix(songs)
    report("popularity", ranked(popularity(matrix), has, [*truth]), truth, engines)
    report("item-item cosine", ranked(item_item(matrix), has, [*truth]), truth, engines)
    if songs <= MOST_SONGS_FOR_EASE:
        ridge = best_ridge(data)
        report(f"EASE, ridge {ridge:g}", ranked(ease(matrix, ridge), has, [*truth]), truth, engines)


def measure_newcomers(data: DataSet, keep: int) -> None:
    """The same for listeners of whose history only the last listens are left."""
    everything, test = data.fit, data.test
    order = np.lexsort((-everything.position, everything.listener))
    place = np.empty(len(order), dtype=np.int64)
    first = np.searchsorted(everything.listener[order], everything.listener[order])
    place[order] = np.arange(len(order)) - first
    newcomer = everything.listener % 100 < NEWCOMERS_OF_HUNDRED
    fit = everything.where(~newcomer | (place < keep))
    has = fit.songs_of()
    truth = {
        who: wanted for who, wanted in wanted_of(test, everything).items() if who % 100 < NEWCOMERS_OF_HUNDRED
    }
    ranks, _ = engine(data, fit, has, [*truth])
    matrix = fit.matrix(len(data.songs))
    print(f"  {len(truth)} newcomers with {keep} listens")
    report("the local engine", ranks, truth, None)
    for method, score in {"popularity": popularity(matrix), "item-item cosine": item_item(matrix)}.items():
        report(method, ranked(score, has, [*truth]), truth, ndcg(ranks, truth))


def main() -> None:
    folder = Path(os.environ["LISTENING_DATA"])
    found = sorted(path.name.removesuffix(".train.tsv.gz") for path in folder.glob("*.train.tsv.gz"))
    for name in sys.argv[1:] or found:
        data = DataSet.read(folder, name)
        measure(data)
        for keep in NEWCOMERS_KEEP:
            measure_newcomers(data, keep)


if __name__ == "__main__":
    main()
