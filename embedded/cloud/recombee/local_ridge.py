"""The relations of songs in catalogues that are too large for EASE: the same regression, for each song alone.

Each song is predicted only from the songs nearest to it: those with the highest cosine, where the ridge is
added to the lengths. That costs time in proportion to the songs, and loses little: the weights of far songs
are nearly all close to zero.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from embedded.cloud.recombee.relations import Float32Array, Regression, SongRelations

# Songs that predict a song at most, and songs whose products with it are kept to look up theirs with others.
PREDICTORS, NEIGHBOURS = 100, 300
# A feature of more songs than this tells too little for what its products cost.
MOST_SONGS_OF_FEATURE = 1000
# Songs whose products are computed at once.
BLOCK = 256

Int32Array = NDArray[np.int32]


def local_ridge(regression: Regression, predictors: int = PREDICTORS) -> SongRelations:
    songs = regression.rows.shape[1]
    used = np.diff(regression.rows.indptr) <= MOST_SONGS_OF_FEATURE
    used[: regression.listeners] = True
    rows = regression.rows[used]
    diagonal = np.asarray(rows.multiply(rows).sum(axis=0)).ravel() + regression.ridge
    neighbours, products = _nearest(rows, diagonal)
    weights = np.zeros((songs, predictors), dtype=np.float32)
    place = np.full(songs + 1, -1, dtype=np.int32)
    for song in range(songs):
        count = int(np.count_nonzero(products[song, :predictors]))
        if count:
            nearest = neighbours[song, :count]
            gram = _gram(nearest, neighbours, products, place)
            gram[np.arange(count), np.arange(count)] = diagonal[nearest]
            weights[song, :count] = np.linalg.solve(gram, products[song, :count])
    used_weights = weights != 0
    source, target = neighbours[:, :predictors][used_weights], np.nonzero(used_weights)[0]
    return SongRelations(
        sparse.csr_array((weights[used_weights], (source, target)), shape=(songs, songs)),
        (1.0 / diagonal).astype(np.float32),
    )


def _nearest(rows: sparse.csr_array, diagonal: Float32Array) -> tuple[Int32Array, Float32Array]:
    """For each song its nearest, nearest first, and their products with it: 0 where it has fewer."""
    songs = rows.shape[1]
    by_song = rows.T.tocsr()
    length = np.sqrt(diagonal)
    neighbours = np.full((songs, NEIGHBOURS), songs, dtype=np.int32)
    products = np.zeros((songs, NEIGHBOURS), dtype=np.float32)
    for first in range(0, songs, BLOCK):
        block = by_song[first : first + BLOCK] @ rows
        for song in range(first, min(first + BLOCK, songs)):
            span = slice(block.indptr[song - first], block.indptr[song - first + 1])
            others, product = block.indices[span], block.data[span]
            near = product / length[others]
            near[others == song] = 0.0
            best = (
                np.argpartition(-near, NEIGHBOURS)[:NEIGHBOURS]
                if len(near) > NEIGHBOURS
                else np.arange(len(near))
            )
            best = best[np.argsort(-near[best])]
            best = best[near[best] > 0]
            neighbours[song, : len(best)] = others[best]
            products[song, : len(best)] = product[best]
    return neighbours, products


def _gram(
    predictors: Int32Array, neighbours: Int32Array, products: Float32Array, place: Int32Array
) -> NDArray[np.float64]:
    """The products of the predictors with one another as far as they are kept; `place` is all -1."""
    count = len(predictors)
    place[predictors] = np.arange(count)
    column = place[neighbours[predictors]]
    row, at = np.nonzero(column >= 0)
    gram = np.zeros((count, count))
    gram[row, column[row, at]] = products[predictors][row, at]
    place[predictors] = -1
    return np.maximum(gram, gram.T)
