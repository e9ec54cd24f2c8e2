"""The short tune that a song comes back to."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from embedded.demo.harmony import Key


@dataclass(frozen=True, slots=True)
class Tone:
    """A note of the tune; `beat` counts from 0 at the start of the bar."""

    beat: float
    beats: float
    note: int


class Hook:
    """One rhythm and one contour, moved along with the chords, so that the ear knows it again.

    Of every four bars the last turns the contour upside down and leaves out its last tone.
    """

    def __init__(self, key: Key, octave: int, rhythm: tuple[float, ...], rng: np.random.Generator) -> None:
        """`rhythm` lists the beats on which tones start, then where the last one ends."""
        self._key = key
        self._octave = octave
        self._rhythm = rhythm
        self._start = int(rng.choice((0, 2, 4)))
        self._contour = [int(move) for move in rng.choice((-2, -1, -1, 1, 1, 2), size=len(rhythm) - 2)]

    def over(self, degree: int, bar_index: int) -> Iterator[Tone]:
        """The tune over the chord of one bar. Tones on whole beats belong to the chord."""
        is_response = bar_index % 4 == 3
        chord = self._key.chord(degree)
        step = (degree - 1) % 7 + self._start
        if step > 6:
            step -= 7
        onsets = self._rhythm[:-2] if is_response else self._rhythm[:-1]
        for index, beat in enumerate(onsets):
            if index:
                step += -self._contour[index - 1] if is_response else self._contour[index - 1]
            if beat == int(beat):
                step = self._nearest_in(chord, step)
            yield Tone(beat, self._rhythm[index + 1] - beat, self._key.note(step, self._octave))

    def _nearest_in(self, chord: tuple[int, ...], step: int) -> int:
        nearby = sorted(range(step - 3, step + 4), key=lambda candidate: abs(candidate - step))
        return next(candidate for candidate in nearby if self._key.note(candidate, 4) % 12 in chord)
