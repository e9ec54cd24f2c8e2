"""What every genre gives: a way from a score to the two layers of a loop, and the room it sounds in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedded.demo.mix import Mix
from embedded.demo.songs import Score


@dataclass(frozen=True, slots=True)
class Arrangement:
    """`arrange` gives accompaniment and lead; `room_wetness` is the level of the room's response beside them.

    `change_seconds` is how quickly the lead comes in.
    """

    arrange: Callable[[Score, np.random.Generator], tuple[Mix, Mix]]
    room_seconds: float
    room_wetness: float
    fade_in_seconds: float
    fade_out_seconds: float
    change_seconds: float = 0.06
