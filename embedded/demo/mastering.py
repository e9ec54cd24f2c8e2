"""The last steps of a song: room, level, fades."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from embedded.demo.mix import SAMPLE_RATE, Sound, samples_in

_CEILING = 0.95
_LOUDNESS_DBFS = -17.0


@lru_cache(maxsize=4)
def _room(decay_seconds: float, length: int) -> npt.NDArray[np.complex64]:
    """The spectrum of a stereo room's impulse response, at half the sample rate: noise that decays."""
    time = np.arange(samples_in(decay_seconds) // 2, dtype=np.float32) / np.float32(SAMPLE_RATE / 2)
    noise = np.random.default_rng(11).standard_normal((2, time.shape[0]), dtype=np.float32)
    noise[:, 1:] = (noise[:, 1:] + noise[:, :-1]) / 2
    tail = noise * np.exp(-5 * time / decay_seconds)
    tail /= np.sqrt((tail**2).sum(axis=1, keepdims=True))
    return np.fft.rfft(tail.astype(np.float32), length).astype(np.complex64)


def _fast_length(samples: int) -> int:
    """A length not below `samples` for which the transform is quick: a power of two, or 3/4 or 5/8 of one."""
    power = 1 << (samples - 1).bit_length()
    return next(length for length in (power * 5 // 8, power * 3 // 4, power) if length >= samples)


def in_a_room(dry: Sound, decay_seconds: float, wetness: float) -> Sound:
    """Adds the room's response to a loop; `wetness` is its level beside the direct sound.

    What sounds on after the loop's end is mixed into its start, as the loop is played over and over. Rooms
    are dull: half the sample rate holds all of their response.
    """
    half = dry.shape[1] // 2
    sent = dry[:, : half * 2].reshape(2, half, 2).mean(axis=2)
    tail = samples_in(decay_seconds) // 2
    length = _fast_length(half + tail)
    response = np.fft.irfft(np.fft.rfft(sent, length) * _room(decay_seconds, length), length)
    wet = response[:, :half].astype(np.float32) * np.float32(wetness)
    after = min(tail, half)
    wet[:, :after] += response[:, half : half + after] * np.float32(wetness)
    reverberant = dry.copy()
    reverberant[:, : half * 2 : 2] += wet
    reverberant[:, 1 : half * 2 : 2] += (wet + np.roll(wet, -1, axis=1)) * np.float32(0.5)
    return reverberant


def gain_to_level(sound: Sound) -> np.float32:
    """What brings it to -17 dBFS."""
    return np.float32(10 ** (_LOUDNESS_DBFS / 20) / float(np.sqrt(np.mean(np.square(sound)))))


def rounded_off(sound: Sound) -> Sound:
    """Without peaks above 0.95 of full scale. Works in place."""
    sound *= np.float32(1 / _CEILING)
    np.tanh(sound, out=sound)
    sound *= np.float32(_CEILING)
    return sound


def faded(sound: Sound, in_seconds: float, out_seconds: float) -> Sound:
    """Starts from and ends in silence. Works in place."""
    rise, fall = samples_in(in_seconds), samples_in(out_seconds)
    sound[:, :rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    sound[:, -fall:] *= np.linspace(1, 0, fall, dtype=np.float32) ** 2
    return sound
