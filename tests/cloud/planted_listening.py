"""A small world of songs and listeners for the recommender, built one interaction at a time."""

from typing import Any

from embedded.cloud.recombee.listening import SECONDS_PER_DAY, Listening, Signal
from embedded.cloud.recombee.recommender import Recommender, Wanted
from embedded.cloud.recombee.reql import parse_filter
from embedded.cloud.recombee.song_index import CatalogueSong, SongChanges

NOW = 1_790_000_000.0
PROPERTIES = {"isListed": "boolean", "genre": "string"}


class PlantedListening:
    """A ListeningSource in memory. Songs are named, listeners are numbers, time is days before NOW."""

    def __init__(self) -> None:
        self.history_version = self.erasures = 0
        self._edited: list[str] = []
        self._deleted: set[int] = set()
        self._songs: dict[str, CatalogueSong] = {}
        self._rows: list[tuple[int, int, int, float, float]] = []

    def song(self, name: str, **values: Any) -> str:
        """Added, or changed when there is one of that name."""
        known = self._songs.get(name)
        number = known.number if known else len(self._songs) + len(self._deleted) + 1
        self._songs[name] = CatalogueSong(number, name, values)
        self._edited.append(name)
        self.history_version += 1
        return name

    @property
    def catalogue_version(self) -> int:
        return len(self._edited)

    @property
    def interaction_count(self) -> int:
        return len(self._rows)

    def delete(self, name: str) -> None:
        self._deleted.add(self._songs.pop(name).number)
        self._edited.append(name)
        self.history_version += 1

    def did(
        self, listener: int, song: str, signal: Signal, *, value: float = 0.0, days_ago: float = 30.0
    ) -> None:
        moment = NOW - days_ago * SECONDS_PER_DAY
        self._rows.append((listener, self._songs[song].number, int(signal), value, moment))
        self.history_version += 1

    def completed(self, listener: int, *songs: str, days_ago: float = 30.0, times: int = 1) -> None:
        for _ in range(times):
            for song in songs:
                self.did(listener, song, Signal.PURCHASE, days_ago=days_ago)

    def played(self, listener: int, *songs: str, days_ago: float = 30.0) -> None:
        for song in songs:
            self.did(listener, song, Signal.DETAIL_VIEW, days_ago=days_ago)

    def skipped(self, listener: int, *songs: str, days_ago: float = 30.0) -> None:
        for song in songs:
            self.did(listener, song, Signal.DETAIL_VIEW, days_ago=days_ago)
            self.did(listener, song, Signal.RATING, value=-0.5, days_ago=days_ago)

    def forget(self, listener: int) -> None:
        self._rows = [row for row in self._rows if row[0] != listener]
        self.history_version += 1
        self.erasures += 1

    def song_changes(self, *, after: int) -> SongChanges:
        edited = dict.fromkeys(self._edited[after:])
        changed = [self._songs[name] for name in edited if name in self._songs]
        return SongChanges(changed, self._deleted, len(self._edited))

    def listening(self, *, after: int) -> tuple[Listening, int]:
        return Listening.from_rows(self._rows[after:]), len(self._rows)

    def listening_of(self, listener: int) -> Listening:
        return Listening.from_rows([row for row in self._rows if row[0] == listener])

    def recommender(self) -> Recommender:
        return Recommender(self, clock=lambda: NOW)

    def popular(self, count: int = 10) -> list[str]:
        return self.recommender().popular(Wanted(count))

    def personal(self, listener: int, count: int = 10) -> list[str]:
        return self.recommender().personal(listener, Wanted(count))

    def similar(self, song: str, count: int = 10, *, listener: int | None = None) -> list[str]:
        return self.recommender().similar(song, listener, Wanted(count))


def filtered(count: int, text: str) -> Wanted:
    return Wanted(count, parse_filter(text, PROPERTIES))
