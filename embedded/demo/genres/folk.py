"""Folk: a finger-picked guitar with an alternating bass, a second one that sings, a shaker and a foot."""

import numpy as np

from embedded.demo.bars import Bar, bars, loop_seconds
from embedded.demo.drums import shaker, stomp
from embedded.demo.genres.arrangement import Arrangement
from embedded.demo.harmony import Key, at_or_above, close_voicing
from embedded.demo.hook import Hook
from embedded.demo.mix import Mix
from embedded.demo.songs import Score
from embedded.demo.strings import plucked_string

_LOWEST_BASS = 40
_LOWEST_TREBLE = 55
_FAST_BEATS_PER_MINUTE = 95
_PATTERNS = ((2, 1, 0, 1, 2, 0), (1, 2, 1, 0, 2, 1), (0, 1, 2, 1, 0, 2))
_RHYTHMS = {
    3: ((0, 1, 1.5, 2, 3), (0, 0.5, 1, 2, 3), (0, 1.5, 2, 2.5, 3)),
    4: ((0, 1, 1.5, 2, 3, 4), (0, 1.5, 2, 2.5, 3, 4), (0.5, 1, 2, 2.5, 3.5, 4)),
}


def _arrange(score: Score, rng: np.random.Generator) -> tuple[Mix, Mix]:
    key = Key.named(score.key)
    rhythms = _RHYTHMS[score.beats_per_bar]
    hook = Hook(key, 5, rhythms[rng.integers(len(rhythms))], rng)
    pattern = _PATTERNS[rng.integers(len(_PATTERNS))]
    guitar, lead = Mix(loop_seconds(score)), Mix(loop_seconds(score))
    for bar in bars(score):
        chord = key.chord(bar.degree)
        _pick(guitar, bar, chord, pattern, rng)
        if score.beats_per_minute > _FAST_BEATS_PER_MINUTE:
            _keep_time(guitar, bar)
        for tone in hook.over(bar.degree, bar.index):
            seconds = min(2.0, tone.beats * bar.beat_seconds + 0.5)
            sound = plucked_string(tone.note, seconds, bright_hertz=1_400)
            lead.play(sound, bar.at(tone.beat), rng.uniform(0.34, 0.42), 0.35)
    return guitar, lead


def _pick(
    mix: Mix, bar: Bar, chord: tuple[int, ...], pattern: tuple[int, ...], rng: np.random.Generator
) -> None:
    """The thumb plays root and fifth on the beats, the fingers the chord between them."""
    root, fifth = (at_or_above(chord[index], _LOWEST_BASS) for index in (0, 2))
    treble = close_voicing(chord, _LOWEST_TREBLE)
    for beat in range(bar.beats):
        thumb = fifth if beat % 2 else root
        mix.play(plucked_string(thumb, 1.6, bright_hertz=400), bar.at(beat), 0.5, -0.1)
        for index, part in enumerate((0.5,) if beat % 2 else (0.0, 0.5)):
            finger = treble[pattern[(beat * 2 + index) % len(pattern)]]
            sound = plucked_string(finger, 1.4, bright_hertz=900)
            at_seconds = bar.at(beat + part) + rng.uniform(0, 0.008)
            mix.play(sound, at_seconds, rng.uniform(0.26, 0.34), -0.3)


def _keep_time(mix: Mix, bar: Bar) -> None:
    for beat in range(bar.beats):
        if beat % 2 == 0:
            mix.play(stomp(), bar.at(beat), 0.4)
        for part, loudness in ((0.0, 0.05), (0.5, 0.1)):
            mix.play(shaker(), bar.at(beat + part), loudness, 0.5)


FOLK = Arrangement(
    _arrange,
    room_seconds=1.1,
    room_wetness=0.2,
    fade_in_seconds=0.05,
    fade_out_seconds=2.0,
)
