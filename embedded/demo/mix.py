"""What every sound is made of, and the stereo loop into which instruments play."""

import math

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 32_000
"""Holds everything up to 16 kHz; a higher one would only make the first start longer."""

Sound = npt.NDArray[np.float32]
"""Samples, 1.0 being full scale: shape (samples,) for an instrument's note, (2, samples) for a stereo mix."""


def samples_in(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


class Mix:
    """A stereo loop of a fixed length: what would sound beyond its end sounds on from its start."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.samples: Sound = np.zeros((2, samples_in(seconds)), dtype=np.float32)

    def play(self, sound: Sound, at_seconds: float, gain: float = 1.0, pan: float = 0.0) -> None:
        """Adds a mono sound; `pan` is -1 (left) to 1 (right), at equal power."""
        angle = (pan + 1) * math.pi / 4
        length = self.samples.shape[1]
        start = samples_in(at_seconds) % length
        done = 0
        while done < sound.shape[0]:
            part = sound[done : done + length - start]
            for channel, share in enumerate((math.cos(angle), math.sin(angle))):
                self.samples[channel, start : start + part.shape[0]] += part * np.float32(gain * share)
            done += part.shape[0]
            start = 0

    def echo(self, delay_seconds: float, feedback: float, repeats: int) -> None:
        """Repeats the whole loop, each time quieter and on the other side."""
        dry = self.samples.copy()
        for repeat in range(1, repeats + 1):
            repeated = (dry[::-1] if repeat % 2 else dry) * np.float32(feedback**repeat)
            shift = samples_in(delay_seconds) * repeat % dry.shape[1]
            self.samples[:, shift:] += repeated[:, : dry.shape[1] - shift]
            self.samples[:, :shift] += repeated[:, dry.shape[1] - shift :]

    def duck(self, beat_seconds: float, depth: float) -> None:
        """Dips the loop on each beat, as a compressor keyed by the kick drum does; `depth` is 0 to 1."""
        beat = samples_in(beat_seconds)
        dip = (1 - depth * np.exp(-6 * np.arange(beat + 1) / beat)).astype(np.float32)
        length = self.samples.shape[1]
        for count in range(math.ceil(length / beat)):
            start = samples_in(count * beat_seconds)
            end = min(samples_in((count + 1) * beat_seconds), length)
            self.samples[:, start:end] *= dip[: max(0, end - start)]

    def add(self, other: "Mix", gain: float = 1.0) -> None:
        """Adds a loop of the same length."""
        self.samples += other.samples * np.float32(gain)
