"""The catalogue as the recommender sees it: which songs there are, what they are like, whose they are.

It is kept in memory and follows each edit at once, in time that depends on what was edited, and a few
copies of arrays.
"""

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
# Of a song with more, as a set may have, the first count.
MOST_FEATURES = 8

REMEMBERED_FILTERS = 32


@dataclass(frozen=True)
class CatalogueSong:
    """`number` grows with every song ever added, so the higher of two was added later."""

    number: int
    id: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class SongChanges:
    """What happened to a catalogue: songs added or edited, numbers of those deleted, and its version now."""

    changed: Iterable[CatalogueSong]
    deleted: Collection[int]
    version: int


class SongIndex:
    """Positions 0..n-1 are in the order in which songs were added; they change when a song is removed."""

    def __init__(self) -> None:
        self.songs: list[CatalogueSong] = []
        self.numbers: IntArray = np.empty(0, dtype=np.int64)
        self.position_of: dict[str, int] = {}
        self.artist_of: IntArray = np.empty(0, dtype=np.int64)
        # Feature columns and what each counts, one row for each song; column 0 is for "no feature".
        self._columns = np.empty((0, MOST_FEATURES), dtype=np.int32)
        self._weights = np.empty((0, MOST_FEATURES), dtype=np.float32)
        # The weights scaled to length 1.
        self._units = np.empty((0, MOST_FEATURES), dtype=np.float32)
        self._column_of: dict[tuple[str, str], int] = {}
        self._artist_numbers: dict[tuple[str, str], int] = {}
        self._filters: dict[str, tuple[Filter, NDArray[np.bool_]]] = {}

    def __len__(self) -> int:
        return len(self.songs)

    def apply(self, changed: Iterable[CatalogueSong], removed: Collection[int]) -> None:
        """Takes in songs that were added or edited, and the numbers of those that are gone."""
        if removed:
            self._remove(removed)
        ordered = sorted(changed, key=lambda song: song.number)
        added = [song for song in ordered if song.id not in self.position_of]
        if added:
            self._make_room(added)
        for song in ordered:
            self._set(self.position_of[song.id], song)

    def likeness(self, weights: FloatArray) -> FloatArray:
        """For each song, its cosine likeness (0..1) to every song, times that song's weight, added up."""
        liked = np.flatnonzero(weights)
        if not len(liked):
            return np.zeros(len(self))
        unit = self._units[liked] * weights[liked, None]
        profile = np.bincount(
            self._columns[liked].ravel(), weights=unit.ravel(), minlength=len(self._column_of) + 1
        )
        of_features = profile.astype(np.float32)[self._columns]
        result: FloatArray = np.einsum("ij,ij->i", of_features, self._units).astype(np.float64)
        return result

    def distinctive(self) -> sparse.csr_array:
        """Songs x features: what the property counts times the root of the feature's rarity.

        The rarity is 1 for a feature of one song, 0 for one that all songs have.
        """
        row, at = np.nonzero(self._weights)
        column = self._columns[row, at]
        count = np.maximum(np.bincount(column, minlength=len(self._column_of) + 1), 1)
        rarity = 1.0 - np.log(count) / np.log(max(len(self), 2))
        entries = self._weights[row, at] * np.sqrt(np.maximum(rarity, 0.0))[column]
        return sparse.csr_array((entries, (row, column)), shape=(len(self), len(count)))

    def allowed(self, song_filter: Filter | None, without: Collection[str]) -> NDArray[np.bool_]:
        if song_filter is None:
            mask = np.ones(len(self), dtype=np.bool_)
        else:
            if song_filter.text not in self._filters:
                passing = np.array([song_filter.passes(s.id, s.values) for s in self.songs], dtype=np.bool_)
                while len(self._filters) >= REMEMBERED_FILTERS:
                    self._filters.pop(next(iter(self._filters)))
                self._filters[song_filter.text] = song_filter, passing
            mask = self._filters[song_filter.text][1].copy()
        for song_id in without:
            position = self.position_of.get(song_id)
            if position is not None:
                mask[position] = False
        return mask

    def _remove(self, removed: Collection[int]) -> None:
        kept = ~np.isin(self.numbers, np.fromiter(removed, dtype=np.int64))
        self.songs = [song for song, keep in zip(self.songs, kept.tolist(), strict=True) if keep]
        self.position_of = {song.id: position for position, song in enumerate(self.songs)}
        self.numbers = self.numbers[kept]
        self.artist_of = self.artist_of[kept]
        self._columns, self._weights = self._columns[kept], self._weights[kept]
        self._units = self._units[kept]
        self._filters = {
            text: (song_filter, mask[kept]) for text, (song_filter, mask) in self._filters.items()
        }

    def _make_room(self, added: Sequence[CatalogueSong]) -> None:
        """At the end: their numbers are higher than all before."""
        for song in added:
            self.position_of[song.id] = len(self.songs)
            self.songs.append(song)
        count = len(added)
        self.numbers = np.concatenate(
            [self.numbers, np.array([song.number for song in added], dtype=np.int64)]
        )
        self.artist_of = np.concatenate([self.artist_of, np.zeros(count, dtype=np.int64)])
        empty = np.zeros((count, MOST_FEATURES))
        self._columns = np.concatenate([self._columns, empty.astype(np.int32)])
        self._weights = np.concatenate([self._weights, empty.astype(np.float32)])
        self._units = np.concatenate([self._units, empty.astype(np.float32)])
        self._filters = {
            text: (song_filter, np.concatenate([mask, np.zeros(count, dtype=np.bool_)]))
            for text, (song_filter, mask) in self._filters.items()
        }

    def _set(self, position: int, song: CatalogueSong) -> None:
        self.songs[position] = song
        found = {
            self._column_of.setdefault((name, word), len(self._column_of) + 1): weight
            for name, weight in CONTENT_PROPERTIES.items()
            for word in _words(song.values.get(name))
        }
        features = list(found.items())[:MOST_FEATURES]
        self._columns[position], self._weights[position] = 0, 0.0
        for at, (column, weight) in enumerate(features):
            self._columns[position, at], self._weights[position, at] = column, weight
        length = float(np.linalg.norm(self._weights[position]))
        self._units[position] = self._weights[position] / (length or 1.0)
        self.artist_of[position] = self._artist_numbers.setdefault(_artist(song), len(self._artist_numbers))
        for song_filter, mask in self._filters.values():
            mask[position] = song_filter.passes(song.id, song.values)


def _words(value: object) -> Iterator[str]:
    """A text is one feature, a set one per member; letter case and outer blanks make no difference."""
    for part in value if isinstance(value, list) else [value]:
        if part is not None and (word := str(part).strip().casefold()):
            yield word


def _artist(song: CatalogueSong) -> tuple[str, str]:
    """A song that names nobody has an artist of its own."""
    for name in ARTIST_PROPERTIES:
        if word := next(_words(song.values.get(name)), None):
            return name, word
    return "", song.id
