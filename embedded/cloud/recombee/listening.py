"""Interactions as columns of numbers, and how much each says about the listener's taste."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

SECONDS_PER_DAY = 86_400.0


class Signal(IntEnum):
    """The kinds of interaction. The numbers are stored: never renumber."""

    DETAIL_VIEW = 1
    PURCHASE = 2
    RATING = 3
    BOOKMARK = 4


# How much one interaction counts, and how much each unit of its value adds (a rating lies in -1..1). A like
# (bookmark) says most, more than a song that was started and played to its end. A skip (rating -0.5, so -1)
# outweighs the start (0.4) before it, but not an earlier listen as well.
_WEIGHTS: dict[Signal, tuple[float, float]] = {
    Signal.DETAIL_VIEW: (0.4, 0.0),
    Signal.PURCHASE: (1.0, 0.0),
    Signal.RATING: (0.0, 2.0),
    Signal.BOOKMARK: (2.0, 0.0),
}
# What the interactions with one song are worth together: 1 when it was started and played to its end (1.4),
# 0.64 when it was only started (0.4), never more than 1.29: the hundredth says little that the others did
# not.
_HALF_STRENGTH, _HIGHEST_STRENGTH = 0.4, 9 / 7

_FIXED = np.array([0.0] + [_WEIGHTS[signal][0] for signal in Signal])
_PER_VALUE = np.array([0.0] + [_WEIGHTS[signal][1] for signal in Signal])

_ROW = np.dtype([("listener", "i8"), ("song", "i8"), ("signal", "i8"), ("value", "f8"), ("at", "f8")])


@dataclass(frozen=True)
class Listening:
    """Interactions in columns of one length: numbers of listener and song, Signal, value, epoch seconds."""

    listener: IntArray
    song: IntArray
    signal: IntArray
    value: FloatArray
    at: FloatArray

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[int, int, int, float, float]]) -> Self:
        """Rows of (listener, song, signal, value, at), in the order of the columns."""
        table = np.fromiter(rows, dtype=_ROW)
        return cls(table["listener"], table["song"], table["signal"], table["value"], table["at"])

    def followed_by(self, later: Self) -> "Listening":
        return Listening(
            np.concatenate((self.listener, later.listener)),
            np.concatenate((self.song, later.song)),
            np.concatenate((self.signal, later.signal)),
            np.concatenate((self.value, later.value)),
            np.concatenate((self.at, later.at)),
        )

    def where(self, mask: NDArray[np.bool_] | IntArray) -> "Listening":
        """The rows of the mask, or those of these positions in this order."""
        return Listening(
            self.listener[mask], self.song[mask], self.signal[mask], self.value[mask], self.at[mask]
        )

    def __len__(self) -> int:
        return len(self.at)

    def weights(self) -> FloatArray:
        """How much each interaction says for the song; below zero it speaks against."""
        weights: FloatArray = _FIXED[self.signal] + _PER_VALUE[self.signal] * self.value
        return weights


NO_LISTENING = Listening.from_rows([])


def decay(at: FloatArray, *, until: float, half_life_days: float) -> FloatArray:
    """1 for what happens at `until` or later, a half for each half-life before it."""
    age_days = np.maximum(until - at, 0.0) / SECONDS_PER_DAY
    faded: FloatArray = np.exp2(-age_days / half_life_days)
    return faded


def strength(total_weight: FloatArray) -> FloatArray:
    """How much a song is liked, from 0 up, by the weight of all interactions with it."""
    weight = np.maximum(total_weight, 0.0)
    result: FloatArray = _HIGHEST_STRENGTH * weight / (weight + _HALF_STRENGTH)
    return result
