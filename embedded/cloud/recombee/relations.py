"""What relates songs to one another: the regression to solve, and the weights that come out of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from embedded.cloud.recombee.listening import FloatArray
from embedded.cloud.recombee.tuning import USUAL, Tuning

Float32Array = NDArray[np.float32]

# The ridge of a song grows with the square root of its audience, as the noise of a count does.
RIDGE, RIDGE_PER_ROOT_OF_AUDIENCE = 50.0, 12.0


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
        ridge = tuning.ridge_scale * (RIDGE + RIDGE_PER_ROOT_OF_AUDIENCE * np.sqrt(audience))
        weighted = np.sqrt(tuning.feature_weight) * features.T
        rows = sparse.vstack([listening, weighted]).tocsr().astype(np.float32)
        rows.eliminate_zeros()
        used = np.diff(rows.indptr) > 0
        listeners = int(np.count_nonzero(used[: listening.shape[0]]))
        return cls(rows[used], ridge.astype(np.float32), listeners)
