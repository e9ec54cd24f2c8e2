"""A score laid out in time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from embedded.demo.songs import Score


@dataclass(frozen=True, slots=True)
class Bar:
    """`degree` and `next_degree` are the chords of this bar and the one after it."""

    index: int
    count: int
    start_seconds: float
    beat_seconds: float
    beats: int
    degree: int
    next_degree: int

    @property
    def seconds(self) -> float:
        return self.beat_seconds * self.beats

    def at(self, beat: float) -> float:
        """When a beat, counted from 0, falls in the song."""
        return self.start_seconds + beat * self.beat_seconds

    def swung(self, beat: float) -> float:
        """As `at`, but with the second half of each beat late by a sixth, which makes it swing."""
        whole = math.floor(beat)
        part = beat - whole
        return self.at(whole + (part * 4 / 3 if part <= 0.5 else 2 / 3 + (part - 0.5) * 2 / 3))


def bars(score: Score) -> Iterator[Bar]:
    """As many bars as it takes to fill the song; the last may be cut short."""
    beat_seconds = 60 / score.beats_per_minute
    count = math.ceil(score.seconds / (beat_seconds * score.beats_per_bar))
    for index in range(count):
        yield Bar(
            index=index,
            count=count,
            start_seconds=index * score.beats_per_bar * beat_seconds,
            beat_seconds=beat_seconds,
            beats=score.beats_per_bar,
            degree=score.chords[index % len(score.chords)],
            next_degree=score.chords[(index + 1) % len(score.chords)],
        )
