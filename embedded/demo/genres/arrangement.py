"""What every genre gives: a way from a score to a mix, and the room it sounds in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedded.demo.mix import Mix
from embedded.demo.songs import Score


@dataclass(frozen=True, slots=True)
class Arrangement:
    """`room_wetness` is the level of the room's answer beside the direct sound."""

    arrange: Callable[[Score, np.random.Generator], Mix]
    room_seconds: float
    room_wetness: float
    fade_in_seconds: float
    fade_out_seconds: float
