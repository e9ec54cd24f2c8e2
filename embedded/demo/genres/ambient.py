"""Ambient: slowly swelling pads, a low drone, bells far apart, wind, and a very large room."""

import numpy as np

from embedded.demo.bars import bars, loop_seconds
from embedded.demo.drums import wind
from embedded.demo.genres.arrangement import Arrangement
from embedded.demo.harmony import Key, at_or_above, close_voicing
from embedded.demo.mix import Mix
from embedded.demo.songs import Score
from embedded.demo.tones import bell, drone, pad

_PENTATONIC = (0, 1, 2, 4, 5, 7, 8, 9)
_LOWEST_PAD = 50
_LOWEST_DRONE = 34


def _arrange(score: Score, rng: np.random.Generator) -> tuple[Mix, Mix]:
    key = Key.named(score.key)
    seconds = loop_seconds(score)
    mix, bells = Mix(seconds), Mix(seconds)
    for bar in bars(score):
        swell_seconds = bar.seconds * 1.6
        chord = key.chord(bar.degree, size=4)
        for voice, note in enumerate(close_voicing(chord, _LOWEST_PAD)):
            for cents, pan in ((-5.0, -0.7), (6.0, 0.7)):
                mix.play(pad(note, swell_seconds, cents), bar.start_seconds, 0.16, pan * (1 - voice * 0.2))
        mix.play(drone(at_or_above(chord[0], _LOWEST_DRONE), swell_seconds), bar.start_seconds, 0.3)
        for beat in rng.choice(bar.beats * 2, size=2, replace=False) / 2:
            note = key.note(int(rng.choice(_PENTATONIC)), 5)
            bells.play(bell(note), bar.at(float(beat)), rng.uniform(0.06, 0.12), rng.uniform(-0.8, 0.8))
    bells.echo(60 / score.beats_per_minute * 0.75, feedback=0.5, repeats=4)
    for start_seconds in range(0, int(seconds), 4):
        mix.play(wind(), start_seconds, 0.05, rng.uniform(-0.9, 0.9))
    return mix, bells


AMBIENT = Arrangement(
    _arrange,
    room_seconds=3.0,
    room_wetness=0.7,
    fade_in_seconds=1.2,
    fade_out_seconds=3.0,
    change_seconds=1.5,
)
