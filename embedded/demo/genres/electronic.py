"""Electronic: a kick drum on every beat, hats, a driving bass, chords that duck under the kick, arpeggios.

The bright variant plays them on the pulse and triangle waves of old game consoles.
"""

import numpy as np

from embedded.demo.bars import Bar, bars, loop_seconds
from embedded.demo.drums import clap, hat, kick
from embedded.demo.genres.arrangement import Arrangement
from embedded.demo.harmony import Key, at_or_above, close_voicing
from embedded.demo.hook import Hook
from embedded.demo.mix import Mix
from embedded.demo.songs import Score
from embedded.demo.tones import synth_bass, synth_chord, synth_pluck

_LOWEST_CHORD = 55
_LOWEST_BASS = 36
_RHYTHMS = ((0, 0.75, 1.5, 2, 2.75, 3.5, 4), (0, 0.5, 1.5, 2, 3, 3.5, 4), (0.5, 1, 1.5, 2.5, 3, 3.75, 4))
_ARPEGGIOS = ((0, 1, 2, 3, 2, 1, 2, 3), (0, 2, 1, 3, 0, 2, 3, 1), (3, 2, 1, 0, 1, 2, 3, 2))


def _arrange(score: Score, rng: np.random.Generator) -> tuple[Mix, Mix]:
    key = Key.named(score.key)
    lead = "pulse" if score.bright else "saw"
    low = "triangle" if score.bright else "saw"
    hook = Hook(key, 5, _RHYTHMS[rng.integers(len(_RHYTHMS))], rng)
    arpeggio = _ARPEGGIOS[rng.integers(len(_ARPEGGIOS))]
    seconds = loop_seconds(score)
    drums, ducked, leads = Mix(seconds), Mix(seconds), Mix(seconds)
    for bar in bars(score):
        chord = key.chord(bar.degree)
        _play_drums(drums, bar)
        for note in close_voicing(chord, _LOWEST_CHORD):
            ducked.play(synth_chord(lead, note, bar.seconds), bar.start_seconds, 0.1, (note % 5 - 2) / 3)
        _play_bass(ducked, bar, at_or_above(chord[0], _LOWEST_BASS), low)
        _play_arpeggio(leads, bar, close_voicing(chord, _LOWEST_CHORD + 12), arpeggio, lead)
        for tone in hook.over(bar.degree, bar.index):
            sound = synth_pluck(lead, tone.note, tone.beats * bar.beat_seconds * 1.1)
            leads.play(sound, bar.at(tone.beat), 0.2, 0.15)
    leads.echo(60 / score.beats_per_minute * 0.75, feedback=0.38, repeats=3)
    ducked.duck(60 / score.beats_per_minute, depth=0.75)
    drums.add(ducked)
    return drums, leads


def _play_drums(mix: Mix, bar: Bar) -> None:
    for beat in range(bar.beats):
        mix.play(kick(), bar.at(beat), 0.75)
        mix.play(hat(is_open=True), bar.at(beat + 0.5), 0.2, 0.25)
        for quarter in (0.0, 0.25, 0.75):
            mix.play(hat(is_open=False), bar.at(beat + quarter), 0.12, -0.25)
        if beat % 2:
            mix.play(clap(), bar.at(beat), 0.3)


def _play_bass(mix: Mix, bar: Bar, root: int, timbre: str) -> None:
    for eighth in range(bar.beats * 2):
        note = root + (12 if eighth % 4 == 3 else 0)
        mix.play(synth_bass(timbre, note, bar.beat_seconds * 0.45), bar.at(eighth / 2), 0.36)


def _play_arpeggio(mix: Mix, bar: Bar, chord: tuple[int, ...], order: tuple[int, ...], timbre: str) -> None:
    notes = (*chord, chord[0] + 12)
    for sixteenth in range(bar.beats * 4):
        note = notes[order[sixteenth % len(order)]]
        pan = 0.6 if sixteenth % 2 else -0.6
        mix.play(synth_pluck(timbre, note, bar.beat_seconds * 0.3), bar.at(sixteenth / 4), 0.09, pan)


ELECTRONIC = Arrangement(
    _arrange,
    room_seconds=0.9,
    room_wetness=0.16,
    fade_in_seconds=0.05,
    fade_out_seconds=1.5,
)
