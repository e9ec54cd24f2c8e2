"""Jazz: a walking bass, a swinging ride cymbal and brushes, electric piano chords, a vibraphone."""

import numpy as np

from embedded.demo.bars import Bar, bars, loop_seconds
from embedded.demo.drums import brush, ride
from embedded.demo.genres.arrangement import Arrangement
from embedded.demo.harmony import Key, at_or_above, close_voicing
from embedded.demo.hook import Hook
from embedded.demo.mix import Mix
from embedded.demo.songs import Score
from embedded.demo.tones import electric_piano, upright_bass, vibraphone

_LOWEST_BASS = 31
_LOWEST_CHORD = 53
_COMPING = {3: ((0.0, 1.5), (1.0, 2.0), (0.0,)), 4: ((0.0, 1.5), (0.5, 2.5), (1.5, 3.0), (0.0, 3.5))}
_RHYTHMS = {
    3: ((0, 0.5, 1, 2, 2.5, 3), (0.5, 1, 1.5, 2, 3)),
    4: ((0.5, 1, 1.5, 2, 3.5, 4), (0, 0.5, 1, 2.5, 3, 3.5, 4), (0, 1.5, 2, 2.5, 3, 4)),
}


def _arrange(score: Score, rng: np.random.Generator) -> tuple[Mix, Mix]:
    key = Key.named(score.key)
    rhythms = _RHYTHMS[score.beats_per_bar]
    hook = Hook(key, 5, rhythms[rng.integers(len(rhythms))], rng)
    mix, lead = Mix(loop_seconds(score)), Mix(loop_seconds(score))
    for bar in bars(score):
        chord = key.chord(bar.degree, size=4)
        _walk(mix, bar, chord, key.chord(bar.next_degree, size=4)[0], rng)
        _swing(mix, bar)
        comping = _COMPING[bar.beats]
        for beat in comping[rng.integers(len(comping))]:
            for note in close_voicing(chord, _LOWEST_CHORD):
                mix.play(electric_piano(note, bar.beat_seconds * 1.2), bar.swung(beat), 0.11, -0.35)
        for tone in hook.over(bar.degree, bar.index):
            lead.play(vibraphone(tone.note), bar.swung(tone.beat), rng.uniform(0.2, 0.27), 0.35)
    return mix, lead


def _walk(mix: Mix, bar: Bar, chord: tuple[int, ...], next_root: int, rng: np.random.Generator) -> None:
    """The root, notes of the chord, and last a half step above or below the next bar's root."""
    middle = rng.permutation(chord[1:])[: bar.beats - 2]
    approach = at_or_above(next_root, _LOWEST_BASS) + int(rng.choice((-1, 1)))
    notes = (*(at_or_above(int(pitch), _LOWEST_BASS) for pitch in (chord[0], *middle)), approach)
    for beat, note in enumerate(notes):
        mix.play(upright_bass(note, bar.beat_seconds * 0.95), bar.at(beat), 0.55)


def _swing(mix: Mix, bar: Bar) -> None:
    for beat in range(bar.beats):
        mix.play(ride(), bar.at(beat), 0.09, 0.45)
        if beat % 2:
            mix.play(ride(), bar.swung(beat + 0.5), 0.07, 0.45)
            mix.play(brush(), bar.at(beat), 0.13, -0.2)


JAZZ = Arrangement(
    _arrange,
    room_seconds=1.3,
    room_wetness=0.22,
    fade_in_seconds=0.05,
    fade_out_seconds=2.0,
)
