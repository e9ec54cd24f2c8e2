"""What every sound is made of, and the stereo mix into which instruments play."""

import math

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 44_100

Sound = npt.NDArray[np.float32]
"""Samples, 1.0 being full scale: shape (samples,) for an instrument's note, (2, samples) for a stereo mix."""


def samples_in(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


class Mix:
    """A stereo bus of a fixed length: what would sound beyond its end is cut off."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.samples: Sound = np.zeros((2, samples_in(seconds)), dtype=np.float32)

    def play(self, sound: Sound, at_seconds: float, gain: float = 1.0, pan: float = 0.0) -> None:
        """Adds a mono sound; `pan` is -1 (left) to 1 (right), at equal power."""
        start = samples_in(at_seconds)
        length = min(sound.shape[0], self.samples.shape[1] - start)
        if length <= 0:
            return
        angle = (pan + 1) * math.pi / 4
        for channel, share in enumerate((math.cos(angle), math.sin(angle))):
            self.samples[channel, start : start + length] += sound[:length] * (gain * share)

    def echo(self, delay_seconds: float, feedback: float, repeats: int) -> None:
        """Repeats the whole bus, each time quieter and on the other side."""
        delay = samples_in(delay_seconds)
        dry = self.samples.copy()
        for repeat in range(1, repeats + 1):
            offset = delay * repeat
            if offset >= dry.shape[1]:
                return
            heard = dry[::-1] if repeat % 2 else dry
            self.samples[:, offset:] += heard[:, :-offset] * feedback**repeat

    def duck(self, beat_seconds: float, depth: float) -> None:
        """Dips the bus on each beat, as a compressor keyed by the kick drum does; `depth` is 0 to 1."""
        beats = np.arange(self.samples.shape[1], dtype=np.float64) / (SAMPLE_RATE * beat_seconds)
        self.samples *= (1 - depth * np.exp(-6 * (beats % 1))).astype(np.float32)

    def add(self, other: "Mix", gain: float = 1.0) -> None:
        """Adds a bus of the same length."""
        self.samples += other.samples * gain
