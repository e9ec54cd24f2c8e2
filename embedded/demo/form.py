"""From a loop of two layers to a whole song: phrase after phrase, each with its share of either layer.

The first phrase is the accompaniment alone, the last but two a break in which it steps back. Phrases that are
mixed alike are computed once, so that a song of 45 seconds costs little more than its loop.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from embedded.demo.mastering import gain_to_level, rounded_off
from embedded.demo.mix import Sound, samples_in

Gains = tuple[float, float]
"""Of the accompaniment and the lead."""

_ALONE: Gains = (1.0, 0.0)
_TOGETHER: Gains = (1.0, 1.0)
_BREAK: Gains = (0.35, 1.0)
_CHANGE_SECONDS = 0.06


@dataclass(frozen=True, slots=True)
class Loop:
    """Both layers have the same length, that of `phrases` phrases."""

    accompaniment: Sound
    lead: Sound
    phrases: int


def form(count: int) -> Iterator[Gains]:
    """The gains of each of `count` phrases, of which there are at least two."""
    for index in range(count):
        if index == 0:
            yield _ALONE
        elif count > 3 and index == count - 3:
            yield _BREAK
        else:
            yield _TOGETHER


def played(loop: Loop, seconds: float, change_seconds: float = _CHANGE_SECONDS) -> Sound:
    """The song, `seconds` long, at its level; layers come and go within `change_seconds`."""
    length = loop.lead.shape[1]
    bounds = [round(length * phrase / loop.phrases) for phrase in range(loop.phrases + 1)]
    wanted = samples_in(seconds)
    song = np.empty((2, wanted), dtype=np.float32)
    level = gain_to_level(loop.accompaniment + loop.lead)
    mixed: dict[tuple[int, Gains, Gains], Sound] = {}
    filled, index, before = 0, 0, _ALONE
    gains_of = list(form(_phrases_needed(wanted, bounds)))
    while filled < wanted:
        phrase, gains = index % loop.phrases, gains_of[index]
        key = (phrase, before, gains)
        if key not in mixed:
            part = slice(bounds[phrase], bounds[phrase + 1])
            mixed[key] = _mixed(loop, part, before, gains, level, samples_in(change_seconds))
        sound = mixed[key][:, : wanted - filled]
        song[:, filled : filled + sound.shape[1]] = sound
        filled, index, before = filled + sound.shape[1], index + 1, gains
    return song


def _phrases_needed(wanted: int, bounds: list[int]) -> int:
    lengths = np.diff(bounds)
    count = filled = 0
    while filled < wanted:
        filled += int(lengths[count % len(lengths)])
        count += 1
    return count


def _mixed(loop: Loop, part: slice, before: Gains, gains: Gains, level: np.float32, change: int) -> Sound:
    sound = loop.accompaniment[:, part] * np.float32(gains[0] * level)
    if gains[1]:
        sound += loop.lead[:, part] * np.float32(gains[1] * level)
    for layer, former, now in zip((loop.accompaniment, loop.lead), before, gains, strict=True):
        if former != now:
            fading = np.linspace((former - now) * level, 0, change, dtype=np.float32)
            sound[:, :change] += layer[:, part][:, :change] * fading
    return rounded_off(sound)
