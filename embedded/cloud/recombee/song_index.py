"""The catalogue as the recommender sees it: which songs there are, what they are like, whose they are."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from embedded.cloud.recombee.listening import FloatArray, IntArray
from embedded.cloud.recombee.reql import Filter

# What makes two songs alike: the name of a property, and how much it counts. An artist known by id and by
# name counts once for each, together as much as a mood. Properties that no song has change nothing.
CONTENT_PROPERTIES: Mapping[str, float] = {"genre": 1.0, "mood": 0.5, "artistId": 0.35, "artistName": 0.35}
# The first of these that a song has says whose it is.
ARTIST_PROPERTIES: Sequence[str] = ("artistId", "artistName")

REMEMBERED_FILTERS = 32


@dataclass(frozen=True)
class CatalogueSong:
    """`number` grows with every song ever added, so the higher of two was added later."""

    number: int
    id: str
    values: Mapping[str, Any]


class SongFeatures:
    """Immutable but for remembered filters; positions 0..n-1 are in the order in which songs were added."""

    def __init__(self, songs: Iterable[CatalogueSong]) -> None:
        self.songs = sorted(songs, key=lambda song: song.number)
        self.numbers: IntArray = np.array([song.number for song in self.songs], dtype=np.int64)
        self.position_of = {song.id: position for position, song in enumerate(self.songs)}
        self.artist_of = _artists(self.songs)
        self._weights = _feature_matrix(self.songs)
        length = np.sqrt(self._weights.multiply(self._weights).sum(axis=1))
        self._features = (sparse.diags_array(1.0 / np.where(length > 0, length, 1.0)) @ self._weights).tocsr()
        self._transposed = self._features.T.tocsr()
        self._allowed: dict[str, NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return len(self.songs)

    def likeness(self, weights: FloatArray) -> FloatArray:
        """For each song, its cosine likeness (0..1) to every song, times that song's weight, added up."""
        result: FloatArray = self._features @ (self._transposed @ weights)
        return result

    def distinctive(self) -> sparse.csr_array:
        """Songs x features: what the property counts times the root of the feature's rarity.

        The rarity is 1 for a feature of one song, 0 for one that all songs have.
        """
        count = np.maximum(np.diff(self._transposed.indptr), 1)
        rarity = 1.0 - np.log(count) / np.log(max(len(self), 2))
        return (self._weights @ sparse.diags_array(np.sqrt(np.maximum(rarity, 0.0)))).tocsr()

    def allowed(self, song_filter: Filter | None, without: Collection[str]) -> NDArray[np.bool_]:
        if song_filter is None:
            mask = np.ones(len(self), dtype=np.bool_)
        else:
            known = self._allowed.get(song_filter.text)
            if known is None:
                known = np.array([song_filter.passes(s.id, s.values) for s in self.songs], dtype=np.bool_)
                while len(self._allowed) >= REMEMBERED_FILTERS:
                    self._allowed.pop(next(iter(self._allowed)))
                self._allowed[song_filter.text] = known
            mask = known.copy()
        for song_id in without:
            position = self.position_of.get(song_id)
            if position is not None:
                mask[position] = False
        return mask


def _words(value: object) -> Iterator[str]:
    """A text is one feature, a set one per member; letter case and outer blanks make no difference."""
    for part in value if isinstance(value, list) else [value]:
        if part is not None and (word := str(part).strip().casefold()):
            yield word


def _feature_matrix(songs: Sequence[CatalogueSong]) -> Any:  # scipy's matrices are untyped
    """One row per song: for each of its features what the property counts."""
    column_of: dict[tuple[str, str], int] = {}
    rows: list[int] = []
    columns: list[int] = []
    weights: list[float] = []
    for position, song in enumerate(songs):
        found = {
            column_of.setdefault((name, word), len(column_of)): weight
            for name, weight in CONTENT_PROPERTIES.items()
            for word in _words(song.values.get(name))
        }
        for column, weight in found.items():
            rows.append(position)
            columns.append(column)
            weights.append(weight)
    return sparse.csr_array((weights, (rows, columns)), shape=(len(songs), max(len(column_of), 1)))


def _artists(songs: Sequence[CatalogueSong]) -> IntArray:
    """A number per artist; a song that names nobody has a number of its own."""
    number_of: dict[tuple[str, str], int] = {}
    artists = np.empty(len(songs), dtype=np.int64)
    for position, song in enumerate(songs):
        key = ("", song.id)
        for name in ARTIST_PROPERTIES:
            if word := next(_words(song.values.get(name)), None):
                key = (name, word)
                break
        artists[position] = number_of.setdefault(key, len(number_of))
    return artists
