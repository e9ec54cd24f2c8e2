"""The parameters of the engine that depend on the data, and how to choose them.

A catalogue whose listeners stay with an album for an hour wants another recency than one whose listeners hear
the radio; noisy genres deserve less weight than careful ones. So the parameters are chosen on the history
itself: of a sample of listeners the last songs are held out, and what ranks them best is kept.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

# With fewer interactions the usual values are used.
FEWEST_INTERACTIONS = 1000
# They are chosen again when the history has grown, or shrunk, by this factor.
GROWTH_BETWEEN = 2


@dataclass(frozen=True)
class Tuning:
    """The values are those that did best on the two data sets of docs/benchmarks.md.

    `predictors` is how many songs predict a song, those nearest to it, or all where there are not too many.
    `ridge_exponent` is the power of its audience with which the ridge of a song grows: 0, 0.5 or 1.
    `ridge_scale` multiplies the ridge. `feature_weight` is what the rarest feature in common says, in
    listeners who listened to both songs. A song counts half once the listener went on to
    `later_songs_for_half` others, a third after twice as many. `evidence_for_half` is how many songs, played
    to their end, make taste count for half and popularity for the other half.
    """

    predictors: float = math.inf
    ridge_exponent: float = 0.5
    ridge_scale: float = 1.0
    feature_weight: float = 12.0
    content_share: float = 0.05
    later_songs_for_half: float = 1.0
    evidence_for_half: float = 0.6
    interactions: int = field(default=0, compare=False)
    """How many there were when the values were chosen; 0 when they were not."""

    def is_due(self, interactions: int) -> bool:
        """Whether the values should be chosen again, with so many interactions."""
        if interactions < FEWEST_INTERACTIONS:
            return False
        grown = interactions >= GROWTH_BETWEEN * self.interactions
        return grown or self.interactions >= GROWTH_BETWEEN * interactions

    def relates_like(self, other: "Tuning") -> bool:
        """Whether the relations of songs are the same with both."""
        served = {name: getattr(self, name) for name in SERVED}
        return replace(other, **served) == self

    def with_value(self, name: str, value: float) -> "Tuning":
        changed: Any = {name: value}
        return replace(self, **changed)

    def stored(self) -> dict[str, Any]:
        return asdict(self)


USUAL = Tuning()
# Parameters that only the answer depends on, not the relations of songs.
SERVED = ("content_share", "later_songs_for_half", "evidence_for_half")
# What is tried, one parameter after the other: values on one side until one is no better, then on the other.
ALTERNATIVES: Mapping[str, Sequence[Sequence[float]]] = {
    "later_songs_for_half": ((3.0, 10.0, math.inf),),
    "predictors": ((30.0,), (100.0,)),
    "ridge_exponent": ((1.0,), (0.0,)),
    "ridge_scale": ((0.3, 0.1), (3.0, 10.0)),
    "feature_weight": ((3.0, 0.0), (40.0,)),
    "content_share": ((0.0,), (0.15,)),
    "evidence_for_half": ((0.15, 0.03), (2.0,)),
}
