"""Chooses the tuning that would have ranked best what listeners did last.

Time and memory are bounded: so many listeners, so many alternatives, each a training at most. The same
history gives the same choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from embedded.cloud.recombee.listening import FloatArray, IntArray, Listening
from embedded.cloud.recombee.song_index import SongIndex
from embedded.cloud.recombee.taste_model import TasteModel
from embedded.cloud.recombee.trained_model import TrainedModel, train
from embedded.cloud.recombee.tuning import ALTERNATIVES, USUAL, Tuning

# Listeners whose last songs are held out. Below the fewest the differences would be chance.
MOST_LISTENERS, FEWEST_LISTENERS = 800, 100
# Listeners are drawn until they have so many interactions: 40 MB, and a known time to train.
MOST_INTERACTIONS = 1_000_000
# Of a listener with at least so many songs, the last fifth is held out.
FEWEST_SONGS, SHARE_HELD_OUT = 4, 0.2
# An alternative has to be better by this many standard errors of the difference.
STANDARD_ERRORS = 1.0
FIRST = 10
_DISCOUNT = 1.0 / np.log2(np.arange(2, FIRST + 2))


@dataclass(frozen=True)
class HeldOut:
    """The history without what was held out; of each listener of the sample the rest, and the songs."""

    rest: Listening
    own: Sequence[Listening]
    wanted: Sequence[IntArray]


def tuned(songs: SongIndex, listening: Listening, *, now: float) -> Tuning:
    """The usual values where there are too few listeners to tell."""
    usual = replace(USUAL, interactions=len(listening))
    held_out = hold_out(_sample(songs, listening))
    if len(held_out.wanted) < FEWEST_LISTENERS:
        return usual
    model = train(songs, held_out.rest, now=now, tuning=usual)
    values = _ndcg(songs, model, held_out)
    for name, sides in ALTERNATIVES.items():
        for side in sides:
            is_better = False
            for value in side:
                tuning = model.tuning.with_value(name, value)
                other = (
                    replace(model, tuning=tuning)
                    if tuning.relates_like(model.tuning)
                    else train(songs, held_out.rest, now=now, tuning=tuning)
                )
                others = _ndcg(songs, other, held_out)
                if not _is_better(others, values):
                    break
                model, values, is_better = other, others, True
            if is_better:
                break
    return model.tuning


def _sample(songs: SongIndex, listening: Listening) -> Listening:
    """What listeners drawn by chance did with songs that still exist, all of it."""
    known = np.isin(listening.song, songs.numbers)
    listeners, counts = np.unique(listening.listener[known], return_counts=True)
    drawn = np.random.default_rng(2).permutation(len(listeners))
    chosen = listeners[drawn[np.cumsum(counts[drawn]) <= MOST_INTERACTIONS]]
    return listening.where(known & np.isin(listening.listener, chosen))


def hold_out(listening: Listening) -> HeldOut:
    """Of songs heard at the same moment it is by chance which are the last."""
    rng = np.random.default_rng(1)
    listeners = np.unique(listening.listener)
    is_held_out = np.zeros(len(listening), dtype=np.bool_)
    own: list[Listening] = []
    wanted: list[IntArray] = []
    by_listener = np.argsort(listening.listener, kind="stable")
    ends = np.searchsorted(listening.listener[by_listener], listeners, side="right")
    starts = np.r_[0, ends[:-1]]
    for at in rng.permutation(len(listeners)):
        if len(wanted) == MOST_LISTENERS:
            break
        rows = by_listener[starts[at] : ends[at]]
        part = listening.where(rows)
        heard, of_song = np.unique(part.song, return_inverse=True)
        if len(heard) < FEWEST_SONGS:
            continue
        order = np.lexsort((rng.permutation(len(heard))[of_song], part.at))
        _, first = np.unique(part.song[order], return_index=True)
        cut = np.sort(first)[-max(round(SHARE_HELD_OUT * len(heard)), 1)]
        later = order[cut:]
        liked = np.bincount(of_song[later], weights=part.weights()[later], minlength=len(heard)) > 0
        new = heard[liked & (first >= cut)]
        if len(new):
            is_held_out[rows[later]] = True
            own.append(part.where(order[:cut]))
            wanted.append(new)
    return HeldOut(listening.where(~is_held_out), own, wanted)


def _ndcg(songs: SongIndex, model: TrainedModel, held_out: HeldOut) -> FloatArray:
    """Of each listener of the sample, at 10."""
    taste = TasteModel(songs, model)
    values = np.empty(len(held_out.wanted))
    for at, (own, wanted) in enumerate(zip(held_out.own, held_out.wanted, strict=True)):
        scores = taste.personal(own, now=model.until)
        total = scores.liking - scores.against
        total[np.searchsorted(songs.numbers, own.song)] = -np.inf
        best = np.argsort(-total, kind="stable")[:FIRST]
        hits = np.isin(songs.numbers[best], wanted)
        values[at] = (hits * _DISCOUNT[: len(hits)]).sum() / _DISCOUNT[: min(FIRST, len(wanted))].sum()
    return values


def _is_better(values: FloatArray, than: FloatArray) -> bool:
    difference = values - than
    error = difference.std() / np.sqrt(len(difference))
    return bool(difference.mean() > STANDARD_ERRORS * error)
