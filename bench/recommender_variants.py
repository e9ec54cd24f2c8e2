"""The local engine on variants of the data sets: `LISTENING_DATA=FOLDER python -m bench.recommender_variants
[set ...]`.

What is measured on two data sets says little about others. So each is made smaller, sparser, without order,
and with fewer or useless features, and the engine is compared with the same baselines on each variant, by the
protocol of bench.recommender. Drawn with a fixed seed.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.recommender import DataSet, Listens, measure
from embedded.cloud.recombee import trained_model

Variant = Callable[[DataSet], DataSet]


def fewer_listeners(count: int) -> Variant:
    def of(data: DataSet) -> DataSet:
        known = np.unique(data.train.listener)
        kept = random().choice(known, min(count, len(known)), replace=False)
        return each_part(data, lambda part: part.where(np.isin(part.listener, kept)))

    return of


def fewer_songs(count: int, *, popular: bool = False) -> Variant:
    def of(data: DataSet) -> DataSet:
        audience = np.bincount(data.train.song, minlength=len(data.songs))
        drawn = np.argsort(-audience, kind="stable") if popular else random().permutation(len(data.songs))
        kept = np.sort(drawn[:count])
        number = np.full(len(data.songs), -1)
        number[kept] = np.arange(len(kept))

        def renumbered(part: Listens) -> Listens:
            part = part.where(number[part.song] >= 0)
            return replace(part, song=number[part.song])

        songs = [[str(new), *data.songs[old][1:]] for new, old in enumerate(kept.tolist())]
        return replace(each_part(data, renumbered), songs=songs)

    return of


def without_features(data: DataSet) -> DataSet:
    return replace(data, songs=[[song[0], "", "", ""] for song in data.songs])


def half_with_features(data: DataSet) -> DataSet:
    has = random().random(len(data.songs)) < 0.5
    songs = [song if kept else [song[0], "", "", ""] for song, kept in zip(data.songs, has, strict=True)]
    return replace(data, songs=songs)


def features_of_others(data: DataSet) -> DataSet:
    """Noise: each song has the features of another one."""
    other = random().permutation(len(data.songs)).tolist()
    return replace(data, songs=[[str(n), *data.songs[of][1:]] for n, of in enumerate(other)])


def same_moment(data: DataSet) -> DataSet:
    return each_part(data, lambda part: replace(part, position=np.full(len(part.song), 0.5)))


def short_histories(count: int, *, last: bool) -> Variant:
    """The first or last listens of each listener are in the fit; by chance where there is no order."""

    def of(data: DataSet) -> DataSet:
        fit = data.fit
        order = np.lexsort(
            (random().random(len(fit.song)), -fit.position if last else fit.position, fit.listener)
        )
        place: NDArray[np.int64] = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order)) - np.searchsorted(fit.listener[order], fit.listener[order])
        kept, is_train = place < count, np.arange(len(order)) < len(data.train.song)
        return replace(data, train=fit.where(kept & is_train), valid=fit.where(kept & ~is_train))

    return of


def each_part(data: DataSet, change: Callable[[Listens], Listens]) -> DataSet:
    return replace(data, train=change(data.train), valid=change(data.valid), test=change(data.test))


def random() -> np.random.Generator:
    return np.random.default_rng(1)


VARIANTS: Mapping[str, Variant] = {
    "500 listeners": fewer_listeners(500),
    "1,000 listeners": fewer_listeners(1000),
    "500 songs": fewer_songs(500),
    "500 most popular songs": fewer_songs(500, popular=True),
    "2,000 songs": fewer_songs(2000),
    "2,000 most popular songs": fewer_songs(2000, popular=True),
    "without features": without_features,
    "half of the songs with features": half_with_features,
    "features of other songs": features_of_others,
    "all at the same moment": same_moment,
    "the first 5 listens": short_histories(5, last=False),
    "the last 20 listens": short_histories(20, last=True),
}


def main() -> None:
    folder = Path(os.environ["LISTENING_DATA"])
    found = sorted(path.name.removesuffix(".train.tsv.gz") for path in folder.glob("*.train.tsv.gz"))
    for name in sys.argv[1:] or found:
        data = DataSet.read(folder, name)
        for label, variant in VARIANTS.items():
            measure(replace(variant(data), name=f"{name}, {label}"))
        # The way for large catalogues, whose size no data set here has.
        trained_model.LARGEST_EASE = 0
        measure(replace(data, name=f"{name}, as a large catalogue"))
        trained_model.LARGEST_EASE = LARGEST_EASE


LARGEST_EASE = trained_model.LARGEST_EASE

if __name__ == "__main__":
    main()
