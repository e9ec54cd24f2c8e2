"""A score laid out in time: the bars of the loop that a song is made of."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from embedded.demo.songs import Score

BARS_PER_PHRASE = 4
_TWO_PHRASES_BELOW_SECONDS = 9.0
"""Shorter phrases are too alike to be all of a song."""


@dataclass(frozen=True, slots=True)
class Bar:
    """`degree` and `next_degree` are the chords of this bar and the one after it."""

    index: int
    start_seconds: float
    beat_seconds: float
    beats: int
    degree: int
    next_degree: int

    @property
    def seconds(self) -> float:
        return self.beat_seconds * self.beats

    def at(self, beat: float) -> float:
        """When a beat, counted from 0, falls in the loop."""
        return self.start_seconds + beat * self.beat_seconds

    def swung(self, beat: float) -> float:
        """As `at`, but with the second half of each beat late by a sixth, which makes it swing."""
        whole = math.floor(beat)
        part = beat - whole
        return self.at(whole + (part * 4 / 3 if part <= 0.5 else 2 / 3 + (part - 0.5) * 2 / 3))


def phrase_seconds(score: Score) -> float:
    """How long four bars take."""
    return BARS_PER_PHRASE * score.beats_per_bar * 60 / score.beats_per_minute


def phrases_in_loop(score: Score) -> int:
    """One where a phrase is long, else two."""
    return 2 if phrase_seconds(score) < _TWO_PHRASES_BELOW_SECONDS else 1


def loop_seconds(score: Score) -> float:
    return phrases_in_loop(score) * phrase_seconds(score)


def bars(score: Score) -> Iterator[Bar]:
    """The bars of the loop; the first follows the last."""
    beat_seconds = 60 / score.beats_per_minute
    for index in range(phrases_in_loop(score) * BARS_PER_PHRASE):
        yield Bar(
            index=index,
            start_seconds=index * score.beats_per_bar * beat_seconds,
            beat_seconds=beat_seconds,
            beats=score.beats_per_bar,
            degree=score.chords[index % len(score.chords)],
            next_degree=score.chords[(index + 1) % len(score.chords)],
        )
