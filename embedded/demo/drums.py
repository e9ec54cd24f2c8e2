"""Percussion: swept sines and shaped noise, the same at every stroke."""

from functools import lru_cache

import numpy as np

from embedded.demo.mix import SAMPLE_RATE, Sound, samples_in


def _noise(seconds: float, seed: int) -> Sound:
    return np.random.default_rng(seed).uniform(-1, 1, samples_in(seconds)).astype(np.float32)


def _seconds(seconds: float) -> Sound:
    time: Sound = np.arange(samples_in(seconds), dtype=np.float32) / np.float32(SAMPLE_RATE)
    return time


def _band(sound: Sound, low_hertz: float, high_hertz: float) -> Sound:
    """Keeps what lies between two frequencies, with soft edges of half an octave."""
    spectrum = np.fft.rfft(sound)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(sound.shape[0], 1 / SAMPLE_RATE), 1.0))
    rise = np.clip((octaves - np.log2(low_hertz)) * 2 + 0.5, 0, 1)
    fall = np.clip((np.log2(high_hertz) - octaves) * 2 + 0.5, 0, 1)
    kept = np.fft.irfft(spectrum * rise * fall, sound.shape[0])
    band: Sound = (kept / np.abs(kept).max()).astype(np.float32)
    return band


@lru_cache(maxsize=1)
def kick() -> Sound:
    """A sine falling from 160 to 46 Hz, with a click."""
    time = _seconds(0.34)
    phase = 46 * time + (160 - 46) * 0.035 * (1 - np.exp(-time / 0.035))
    body = np.sin(2 * np.pi * phase) * np.exp(-time / 0.11)
    sound: Sound = (body + _noise(0.34, 1) * np.exp(-time / 0.002) * 0.25).astype(np.float32)
    return sound


@lru_cache(maxsize=1)
def clap() -> Sound:
    """Three bursts of noise close together and a tail."""
    time = _seconds(0.25)
    shape = np.exp(-time / 0.07) * 0.6
    for start in (0.0, 0.011, 0.023):
        shape += np.where(time >= start, np.exp(-np.maximum(time - start, 0) / 0.006), 0)
    return _band((_noise(0.25, 2) * shape).astype(np.float32), 900, 7_000)


@lru_cache(maxsize=2)
def hat(*, is_open: bool) -> Sound:
    time = _seconds(0.3 if is_open else 0.07)
    sound = _noise(0.3 if is_open else 0.07, 3) * np.exp(-time / (0.09 if is_open else 0.018))
    return _band(sound.astype(np.float32), 7_000, 17_000)


@lru_cache(maxsize=1)
def shaker() -> Sound:
    time = _seconds(0.11)
    return _band((_noise(0.11, 4) * np.sin(np.pi * time / 0.11) ** 2).astype(np.float32), 4_000, 11_000)


@lru_cache(maxsize=1)
def stomp() -> Sound:
    """A foot on a wooden floor."""
    time = _seconds(0.22)
    sound = np.sin(2 * np.pi * 72 * time) * np.exp(-time / 0.05)
    sound += _noise(0.22, 5) * np.exp(-time / 0.012) * 0.2
    return _band(sound.astype(np.float32), 40, 900)


@lru_cache(maxsize=1)
def ride() -> Sound:
    """A ride cymbal: partials that share no root, and a wash of noise."""
    time = _seconds(0.7)
    ring = np.zeros_like(time)
    for frequency_hertz in (2_410, 3_170, 4_270, 5_230, 6_810, 8_120):
        ring += np.sin(2 * np.pi * frequency_hertz * time + frequency_hertz)
    sound = ring / 12 * np.exp(-time / 0.14) + _noise(0.7, 6) * np.exp(-time / 0.12) * 0.6
    return _band(sound.astype(np.float32), 2_500, 12_000)


@lru_cache(maxsize=1)
def brush() -> Sound:
    """A brush swept over a snare drum."""
    time = _seconds(0.24)
    return _band((_noise(0.24, 7) * np.sin(np.pi * time / 0.24)).astype(np.float32), 700, 5_000)


@lru_cache(maxsize=1)
def wind() -> Sound:
    """Six seconds of distant wind, to be laid under a piece."""
    time = _seconds(6.0)
    return _band((_noise(6.0, 8) * np.sin(np.pi * time / 6) ** 2).astype(np.float32), 150, 900)
