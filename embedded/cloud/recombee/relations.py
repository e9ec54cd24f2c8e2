"""What relates songs to one another: the regression to solve, and the weights that come out of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from embedded.cloud.recombee.listening import FloatArray
from embedded.cloud.recombee.tuning import USUAL, Tuning

Float32Array = NDArray[np.float32]

# How the ridge of a song depends on its audience. By exponent: the least, and what is added for the audience
# to that power. 0 is plain EASE; 0.5 is how the noise of a count grows; 1 is like leaving out six of ten
# listens at random.
RIDGES: Mapping[float, tuple[float, float]] = {0.0: (100.0, 0.0), 0.5: (50.0, 12.0), 1.0: (30.0, 1.5)}


@dataclass(frozen=True)
class SongRelations:
    """`weights` is source x target; `own_share` is how much one listener adds to a weight of each target."""

    weights: Float32Array | sparse.csr_array
    own_share: Float32Array

    def scores(self, liked: FloatArray) -> FloatArray:
        """For each song, the sum over the liked songs of how much they are liked times their weight."""
        sources = np.flatnonzero(liked)
        scores: FloatArray = self.weights[sources].T @ liked[sources]
        return scores


@dataclass(frozen=True)
class Regression:
    """The rows (listeners, then features) x songs, the ridge of each song, and how many are listeners."""

    rows: sparse.csr_array
    ridge: Float32Array
    listeners: int

    @property
    def size(self) -> int:
        """The number of rows of the matrix that has to be inverted."""
        rows, songs = self.rows.shape
        return int(min(rows, songs))

    @classmethod
    def of(
        cls, listening: sparse.csr_array, features: sparse.csr_array, tuning: Tuning = USUAL
    ) -> "Regression":
        """`listening` is listeners x songs, `features` songs x features."""
        audience = np.asarray(listening.sum(axis=0)).ravel()
        least, per_audience = RIDGES[tuning.ridge_exponent]
        ridge = tuning.ridge_scale * (least + per_audience * audience**tuning.ridge_exponent)
        weighted = np.sqrt(tuning.feature_weight) * features.T
        rows = sparse.vstack([listening, weighted]).tocsr().astype(np.float32)
        rows.eliminate_zeros()
        used = np.diff(rows.indptr) > 0
        listeners = int(np.count_nonzero(used[: listening.shape[0]]))
        return cls(rows[used], ridge.astype(np.float32), listeners)
