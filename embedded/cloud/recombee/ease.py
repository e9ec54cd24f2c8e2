"""EASE: how much liking one song says about liking another, for all pairs of songs at once.

Each song's column of the listener x song matrix X is predicted from all other columns by ridge regression,
which has a closed form (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019): with
P = inv(X'X + ridge), the weight of song i in the score of song j is -P[i, j] / P[j, j]. The features of songs
(genre, artist, ...) are further rows of X, as if somebody had listened to exactly the songs of that artist: a
song that nobody listened to yet is related to others by its features, a song with a large audience by its
audience.

The matrix to invert is songs x songs or rows x rows, whichever is smaller: the matrix inversion lemma leads
from one to the other, and the weights are the same.
"""

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from embedded.cloud.recombee.listening import IntArray
from embedded.cloud.recombee.relations import Float32Array, Regression, SongRelations

# Targets, and the weights of all songs in their scores: target x source.
Blocks = Iterator[tuple[IntArray, Float32Array]]

# Up to this many songs all weights are kept, above it the highest of each target: 100 MB and 70 MB at most.
ALL_WEIGHTS_KEPT, WEIGHTS_PER_SONG = 5000, 1000
# Targets worked on at once.
BLOCK = 512


def ease(regression: Regression) -> SongRelations:
    """For at least one song."""
    songs = regression.rows.shape[1]
    if not regression.size:
        return SongRelations(sparse.csr_array((songs, songs), dtype=np.float32), 1.0 / regression.ridge)
    root = np.sqrt(regression.ridge)
    scaled = (regression.rows @ sparse.diags_array(1.0 / root)).tocsr().astype(np.float32)
    blocks = _by_rows(scaled) if scaled.shape[0] < songs else _by_songs(scaled)
    squares = np.asarray(regression.rows.multiply(regression.rows).sum(axis=0)).ravel()
    return SongRelations(
        _all(blocks, root) if songs <= ALL_WEIGHTS_KEPT else _highest(blocks, root),
        (1.0 / (squares + regression.ridge)).astype(np.float32),
    )


def _by_songs(scaled: sparse.csr_array) -> Blocks:
    """From the inverse of songs x songs."""
    inverse = _inverse((scaled.T @ scaled).toarray(order="F"))
    for targets in _blocks(len(inverse)):
        yield targets, inverse[targets] / -inverse[targets, targets, None]


def _by_rows(scaled: sparse.csr_array) -> Blocks:
    """The same from the inverse of rows x rows: P = I - Z' inv(ZZ' + I) Z."""
    inverse = _inverse((scaled @ scaled.T).toarray(order="F"))
    by_song = scaled.T.tocsr()
    for targets in _blocks(scaled.shape[1]):
        hat = (by_song[targets] @ inverse) @ scaled
        yield targets, hat / (1.0 - hat[np.arange(len(targets)), targets, None])


def _inverse(gram: Float32Array) -> Float32Array:
    """Of `gram` plus the identity; `gram` is overwritten."""
    gram[np.diag_indices_from(gram)] += 1.0
    factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
    if failed:
        raise ArithmeticError(f"Cholesky factorization failed at row {failed}")
    inverse, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise ArithmeticError(f"Inversion failed at row {failed}")
    for block in _blocks(len(inverse)):
        first, last = block[0], block[-1] + 1
        inverse[:first, first:last] = inverse[first:last, :first].T
        corner = inverse[first:last, first:last]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
    result: Float32Array = inverse
    return result


def _all(blocks: Blocks, root: Float32Array) -> Float32Array:
    weights = np.empty((len(root), len(root)), dtype=np.float32)
    for targets, block in blocks:
        weights[:, targets] = (block * (root[targets, None] / root)).T
    np.fill_diagonal(weights, 0.0)
    return weights


def _highest(blocks: Blocks, root: Float32Array) -> sparse.csr_array:
    sources, weights = [], []
    for targets, block in blocks:
        block *= root[targets, None] / root
        block[np.arange(len(targets)), targets] = -np.inf
        highest = np.argpartition(-block, WEIGHTS_PER_SONG, axis=1)[:, :WEIGHTS_PER_SONG]
        sources.append(highest.ravel().astype(np.int32))
        weights.append(np.take_along_axis(block, highest, axis=1).ravel())
    songs = len(root)
    starts = np.arange(songs + 1) * WEIGHTS_PER_SONG
    by_target = sparse.csr_array(
        (np.concatenate(weights), np.concatenate(sources), starts), shape=(songs, songs)
    )
    return by_target.T.tocsr()


def _blocks(count: int) -> list[IntArray]:
    return [np.arange(first, min(first + BLOCK, count)) for first in range(0, count, BLOCK)]
