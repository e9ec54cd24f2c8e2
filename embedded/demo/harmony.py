"""Keys, scales and chords, in MIDI note numbers (69 is the A of 440 Hz)."""

from dataclasses import dataclass

_TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"#": 1, "b": -1}
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_OCTAVE = 12


def hertz(note: float) -> float:
    """The frequency of a MIDI note in equal temperament."""
    return float(440.0 * 2.0 ** ((note - 69) / _OCTAVE))


@dataclass(frozen=True, slots=True)
class Key:
    """`tonic` is the pitch class, 0 (C) to 11."""

    tonic: int
    scale: tuple[int, ...]

    @classmethod
    def named(cls, name: str) -> "Key":
        """Reads "C major", "F# minor", "Bb major"; raises KeyError for anything else."""
        note, _, mode = name.partition(" ")
        tonic = _TONICS[note[:1]] + sum(_ACCIDENTALS[mark] for mark in note[1:])
        return cls(tonic % _OCTAVE, _SCALES[mode])

    def note(self, step: int, octave: int) -> int:
        """The note `step` scale steps above (or below) the tonic of an octave (4 is the one of middle C)."""
        octaves, index = divmod(step, len(self.scale))
        return self.tonic + self.scale[index] + _OCTAVE * (octave + 1 + octaves)

    def chord(self, degree: int, size: int = 3) -> tuple[int, ...]:
        """Pitch classes of the thirds stacked on a degree (from 1): 3 of them a triad, 4 a seventh chord.

        The seventh chord on the fifth degree of a minor key gets its major third, as it leads home better.
        """
        pitches = [self.note(degree - 1 + 2 * i, 4) % _OCTAVE for i in range(size)]
        if size > 3 and degree == 5 and self.scale == _SCALES["minor"]:
            pitches[1] = (pitches[1] + 1) % _OCTAVE
        return tuple(pitches)


def at_or_above(pitch: int, lowest: int) -> int:
    """The lowest note of this pitch class that is not below `lowest`."""
    return lowest + (pitch - lowest) % _OCTAVE


def close_voicing(pitches: tuple[int, ...], lowest: int) -> tuple[int, ...]:
    """The chord within the octave from `lowest`: neighbouring chords then move by small steps only."""
    return tuple(sorted(at_or_above(pitch, lowest) for pitch in pitches))
