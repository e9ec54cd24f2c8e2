"""The last steps of a song: room, level, fades."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from embedded.demo.mix import SAMPLE_RATE, Sound, samples_in

_CEILING = 0.95
_LOUDNESS_DBFS = -17.0


@lru_cache(maxsize=4)
def _room(decay_seconds: float, length: int) -> npt.NDArray[np.complex64]:
    """The spectrum of a stereo room's answer to a click: noise that decays, darker than it came."""
    time = np.arange(samples_in(decay_seconds), dtype=np.float32) / np.float32(SAMPLE_RATE)
    noise = np.random.default_rng(11).standard_normal((2, time.shape[0]), dtype=np.float32)
    noise[:, 2:] = (noise[:, 2:] + noise[:, 1:-1] + noise[:, :-2]) / 3
    tail = noise * np.exp(-5 * time / decay_seconds)
    tail /= np.sqrt((tail**2).sum(axis=1, keepdims=True))
    return np.fft.rfft(tail.astype(np.float32), length).astype(np.complex64)


def _fast_length(samples: int) -> int:
    """A length not below `samples` for which the transform is quick: a power of two, or 3/4 of one."""
    power = 1 << (samples - 1).bit_length()
    return power * 3 // 4 if power * 3 // 4 >= samples else power


def in_a_room(dry: Sound, decay_seconds: float, wetness: float) -> Sound:
    """Adds the room's answer; `wetness` is its level beside the direct sound."""
    length = _fast_length(dry.shape[1] + samples_in(decay_seconds))
    wet = np.fft.irfft(np.fft.rfft(dry, length) * _room(decay_seconds, length), length)
    return dry + wet[:, : dry.shape[1]].astype(np.float32) * np.float32(wetness)


def at_level(sound: Sound) -> Sound:
    """Brings the whole to -17 dBFS and rounds off peaks, none of which passes 0.95 of full scale."""
    loudness = float(np.sqrt(np.mean(np.square(sound))))
    loud = sound * np.float32(10 ** (_LOUDNESS_DBFS / 20) / loudness)
    rounded: Sound = np.float32(_CEILING) * np.tanh(loud / np.float32(_CEILING))
    return rounded


def faded(sound: Sound, in_seconds: float, out_seconds: float) -> Sound:
    """Starts from and ends in silence. Works in place."""
    rise, fall = samples_in(in_seconds), samples_in(out_seconds)
    sound[:, :rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    sound[:, -fall:] *= np.linspace(1, 0, fall, dtype=np.float32) ** 2
    return sound
