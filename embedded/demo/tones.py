"""Oscillators: notes read from band-limited wavetables, shaped by envelopes."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from embedded.demo.harmony import hertz
from embedded.demo.mix import SAMPLE_RATE, Sound, samples_in

_TABLE_SIZE = 4096
_HIGHEST_HERTZ = 15_000.0
_NOTES_KEPT = 40
"""About as many different notes as one song asks of one instrument."""


def _partials(timbre: str, count: int) -> npt.NDArray[np.float64]:
    """The strengths of the first `count` partials. Raises ValueError for an unknown timbre."""
    k = np.arange(1, count + 1, dtype=np.float64)
    match timbre:
        case "sine":
            return np.where(k == 1, 1.0, 0.0)
        case "saw":
            return 1 / k
        case "mellow":  # a saw behind a gentle low-pass filter
            return 1 / k**2 / (1 + (k / 6) ** 2)
        case "triangle":
            return np.where(k % 2 == 1, 1 / k**2, 0.0)
        case "pulse":  # a quarter of the period up, the rest down: the lead of the old game consoles
            return np.abs(np.sin(np.pi * k * 0.25)) / k
        case "upright":  # a plucked double bass: strong second and third partial, little above
            return 1 / k * np.exp(-(((k - 1) / 3.5) ** 1.2))
        case _:
            raise ValueError(timbre)


@lru_cache(maxsize=128)
def _wavetable(timbre: str, partial_count: int) -> Sound:
    """One period whose peak is 1.0."""
    spectrum = np.zeros(_TABLE_SIZE // 2 + 1, dtype=np.complex128)
    spectrum[1 : partial_count + 1] = -1j * _partials(timbre, partial_count)
    table = np.fft.irfft(spectrum)
    normalised: Sound = (table / np.abs(table).max()).astype(np.float32)
    return normalised


def oscillator(timbre: str, frequency_hertz: float, seconds: float, phase: float = 0.0) -> Sound:
    """A steady note with no partial above 15 kHz (so none folds back); `phase` is in periods."""
    partial_count = max(1, min(64, int(_HIGHEST_HERTZ / frequency_hertz)))
    steps = np.arange(samples_in(seconds), dtype=np.float64)
    steps *= frequency_hertz / SAMPLE_RATE * _TABLE_SIZE
    steps += phase * _TABLE_SIZE
    return _wavetable(timbre, partial_count).take(steps.astype(np.int64) & (_TABLE_SIZE - 1))


def _ramps(sound: Sound, attack_seconds: float, release_seconds: float) -> Sound:
    """Fades a note in and out, in place: no note may start or end with a click."""
    attack = min(samples_in(attack_seconds), sound.shape[0] // 2)
    release = min(samples_in(release_seconds), sound.shape[0] // 2)
    if attack:
        sound[:attack] *= np.sin(np.linspace(0, np.pi / 2, attack, dtype=np.float32)) ** 2
    if release:
        sound[-release:] *= np.cos(np.linspace(0, np.pi / 2, release, dtype=np.float32)) ** 2
    return sound


def _decay(seconds: float, half_life_seconds: float) -> Sound:
    half_lives = np.arange(samples_in(seconds), dtype=np.float32) / np.float32(
        SAMPLE_RATE * half_life_seconds
    )
    curve: Sound = np.exp2(-half_lives)
    return curve


@lru_cache(maxsize=_NOTES_KEPT)
def pad(note: int, seconds: float, cents: float) -> Sound:
    """A slow swelling voice, `cents` out of tune so that two of them beat against each other."""
    sound = oscillator("mellow", hertz(note + cents / 100), seconds, phase=cents / 13 % 1)
    return _ramps(sound, seconds * 0.35, seconds * 0.45)


@lru_cache(maxsize=8)
def drone(note: int, seconds: float) -> Sound:
    """A sine that swells and goes."""
    return _ramps(oscillator("sine", hertz(note), seconds), seconds * 0.3, seconds * 0.4)


def _struck(note: int, seconds: float, partials: tuple[tuple[float, float, float], ...]) -> Sound:
    """Something struck; partials are (multiple of the lowest, strength, half-life in seconds)."""
    sound = np.zeros(samples_in(seconds), dtype=np.float32)
    for ratio, strength, half_life_seconds in partials:
        partial = oscillator("sine", hertz(note) * ratio, seconds)
        sound += partial * (_decay(seconds, half_life_seconds) * strength)
    return _ramps(sound, 0.004, 0.4)


@lru_cache(maxsize=_NOTES_KEPT)
def bell(note: int) -> Sound:
    """A soft bell: its upper partials are no multiples of the lowest."""
    return _struck(note, 2.5, ((1.0, 0.7, 0.45), (2.76, 0.22, 0.22), (5.4, 0.08, 0.09)))


@lru_cache(maxsize=_NOTES_KEPT)
def vibraphone(note: int) -> Sound:
    """A metal bar tuned so that its second partial lies two octaves above the first."""
    return _struck(note, 1.4, ((1.0, 0.75, 0.3), (4.0, 0.2, 0.09), (10.0, 0.06, 0.03)))


@lru_cache(maxsize=_NOTES_KEPT)
def synth_pluck(timbre: str, note: int, seconds: float) -> Sound:
    """A bright note that falls away at once."""
    sound = oscillator(timbre, hertz(note), seconds) * _decay(seconds, seconds / 3)
    return _ramps(sound, 0.003, 0.02)


@lru_cache(maxsize=_NOTES_KEPT)
def synth_chord(timbre: str, note: int, seconds: float) -> Sound:
    """One voice of a held chord: two oscillators 14 cents apart."""
    sound = oscillator(timbre, hertz(note - 0.07), seconds)
    sound += oscillator(timbre, hertz(note + 0.07), seconds, phase=0.37)
    return _ramps(sound * 0.5, 0.02, 0.12)


@lru_cache(maxsize=_NOTES_KEPT)
def synth_bass(timbre: str, note: int, seconds: float) -> Sound:
    """A full bass note over a sine an octave below."""
    sound = oscillator(timbre, hertz(note), seconds) * 0.55
    sound += oscillator("sine", hertz(note - 12), seconds) * 0.6
    return _ramps(sound * _decay(seconds, seconds), 0.005, 0.03)


@lru_cache(maxsize=_NOTES_KEPT)
def electric_piano(note: int, seconds: float) -> Sound:
    """A struck tine: a sine whose phase a second, quickly dying sine bends."""
    time = np.arange(samples_in(seconds), dtype=np.float64) * (2 * np.pi * hertz(note) / SAMPLE_RATE)
    bend = np.sin(time) * (1.1 * _decay(seconds, 0.18))
    sound = np.sin(time + bend).astype(np.float32)
    sound += np.sin(time * 7).astype(np.float32) * _decay(seconds, 0.03) * np.float32(0.09)
    return _ramps(sound * _decay(seconds, 0.5), 0.003, min(0.12, seconds / 3))


@lru_cache(maxsize=_NOTES_KEPT)
def upright_bass(note: int, seconds: float) -> Sound:
    """A plucked double bass: round, with the thump of the finger on the string."""
    sound = oscillator("upright", hertz(note), seconds) * _decay(seconds, 0.28)
    sound += oscillator("sine", hertz(note), seconds) * (_decay(seconds, 0.04) * 0.35)
    return _ramps(sound, 0.006, 0.05)
