"""Plucked strings after Karplus and Strong."""

from functools import lru_cache

import numpy as np

from embedded.demo.harmony import hertz
from embedded.demo.mix import SAMPLE_RATE, Sound, samples_in


@lru_cache(maxsize=64)
def plucked_string(note: int, seconds: float, bright_hertz: float) -> Sound:
    """A steel string: a burst of noise going round a delay line that averages it away, high partials first.

    Above `bright_hertz` the burst falls by 6 dB an octave (a thumb is duller than a nail). A whole period is
    computed at a time, as each one depends only on the one before. The delay line holds whole samples; the
    rest of the pitch is corrected by resampling.
    """
    frequency_hertz = hertz(note)
    period = max(4, round(SAMPLE_RATE / frequency_hertz - 0.5))
    stretch = (period + 0.5) * frequency_hertz / SAMPLE_RATE
    length = samples_in(seconds)
    periods = int(length * stretch) // period + 2

    partial_count = period // 2 + 1
    partials = np.exp(2j * np.pi * np.random.default_rng(note).uniform(0, 1, partial_count))
    partials /= np.maximum(1, np.arange(partial_count) * (frequency_hertz / bright_hertz))
    partials[0] = 0

    # Lower strings lose less in each turn, but all should fade within a few seconds.
    loss = np.float32(0.5 * 0.5 ** (1 / (frequency_hertz * 1.6)))
    line = np.zeros((periods + 1) * period + 1, dtype=np.float32)
    line[1 : period + 1] = np.fft.irfft(partials, period)
    for start in range(period + 1, line.shape[0], period):
        before = line[start - period - 1 : start]
        line[start : start + period] = (before[1:] + before[:-1]) * loss

    resampled = np.interp(np.arange(length) * stretch + 1, np.arange(line.shape[0]), line)
    sound: Sound = resampled.astype(np.float32)
    sound /= np.float32(np.abs(sound).max())
    release = min(samples_in(0.06), length)
    sound[-release:] *= np.linspace(1, 0, release, dtype=np.float32)
    return sound
