"""What the local Recombee keeps: properties, items, users and interactions, in one SQLite file.

A request, or a whole batch, is one transaction. synchronous=FULL with a write-ahead log means that the log is
forced to disk at each commit, before the response is sent: an accepted interaction survives a killed process
and a power cut. Clients rely on that when they delete it from their own queue.

One thread opens, uses and closes a store: it is not shared.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from embedded.cloud.database import UnknownSchemaError
from embedded.cloud.recombee.listening import Listening, Signal
from embedded.cloud.recombee.song_index import CatalogueSong, SongChanges

SCHEMA_VERSION = 1
BUSY_TIMEOUT_SECONDS = 5.0

_SCHEMA = """
CREATE TABLE properties (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (owner, name)
);
CREATE TABLE entities (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    property_values TEXT NOT NULL DEFAULT '{}',
    UNIQUE (owner, id)
);
CREATE TABLE interactions (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    user_no INTEGER NOT NULL REFERENCES entities (no) ON DELETE CASCADE,
    item_no INTEGER NOT NULL REFERENCES entities (no) ON DELETE CASCADE,
    signal INTEGER NOT NULL,
    value REAL NOT NULL,
    at REAL NOT NULL,
    session TEXT NOT NULL,
    details TEXT NOT NULL,
    UNIQUE (user_no, item_no, signal, at, session)
);
CREATE INDEX interactions_of_item ON interactions (item_no);
"""

Owner = Literal["items", "users"]


@dataclass(frozen=True)
class Interaction:
    """`at` in epoch seconds; `details` is what the caller sent beside the rest."""

    user_no: int
    item_no: int
    signal: Signal
    value: float
    at: float
    details: Mapping[str, Any]


class RecombeeStore:
    """A ListeningSource too. The counters change with every write, and again when it is rolled back."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file. Raises UnknownSchemaError when another version wrote it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.history_version = self.erasures = 0
        self._song_log: list[int] = []
        self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
            if found not in (0, SCHEMA_VERSION):
                raise UnknownSchemaError(f"{path} has schema {found}, this program knows {SCHEMA_VERSION}")
            if found == 0:
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            self.id = int(self._db.execute("PRAGMA application_id").fetchone()[0])
            if self.id == 0:
                self.id = secrets.randbelow(2**31 - 1) + 1
                self._db.execute(f"PRAGMA application_id = {self.id}")
            self.interaction_count = self._count_interactions()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that happens inside is on disk when this ends, or none of it when it ends with an exception."""
        self._db.execute("BEGIN")
        logged = len(self._song_log)
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            # Whoever read these songs in between has to read them again.
            self._song_log += self._song_log[logged:]
            self.interaction_count = self._count_interactions()
            self._changed(erased=True)
            raise

    @property
    def catalogue_version(self) -> int:
        return 1 + len(self._song_log)

    def _changed(self, *songs: int, erased: bool = False) -> None:
        self._song_log += songs
        self.history_version += 1
        self.erasures += erased

    def _count_interactions(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM interactions").fetchone()[0])

    def properties(self, owner: Owner) -> dict[str, str]:
        """The declared type of each property by name."""
        return dict(
            self._db.execute("SELECT name, type FROM properties WHERE owner = ? ORDER BY rowid", (owner,))
        )

    def add_property(self, owner: Owner, name: str, kind: str) -> bool:
        """False when there is one of that name."""
        cursor = self._db.execute(
            "INSERT INTO properties (owner, name, type) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (owner, name, kind),
        )
        return cursor.rowcount > 0

    def find(self, owner: Owner, entity_id: str) -> int | None:
        """The number of the item or user."""
        row = self._db.execute(
            "SELECT no FROM entities WHERE owner = ? AND id = ?", (owner, entity_id)
        ).fetchone()
        return None if row is None else int(row[0])

    def add(self, owner: Owner, entity_id: str) -> int:
        """The number of the new item or user; the caller knows that there is none of that id."""
        cursor = self._db.execute("INSERT INTO entities (owner, id) VALUES (?, ?)", (owner, entity_id))
        if cursor.lastrowid is None:
            raise sqlite3.IntegrityError("an insert without a row number")
        if owner == "items":
            self._changed(cursor.lastrowid)
        return cursor.lastrowid

    def remove(self, number: int) -> None:
        """An item or user, with all its interactions."""
        before = self._db.total_changes
        owner = self._db.execute("DELETE FROM entities WHERE no = ? RETURNING owner", (number,)).fetchone()[0]
        self.interaction_count -= self._db.total_changes - before - 1
        if owner == "items":
            self._changed(number)
        else:
            self._changed(erased=True)

    def values(self, number: int) -> dict[str, Any]:
        """The values that were set; what never was is absent."""
        row = self._db.execute("SELECT property_values FROM entities WHERE no = ?", (number,)).fetchone()
        values: dict[str, Any] = json.loads(row[0])
        return values

    def set_values(self, owner: Owner, number: int, values: Mapping[str, Any]) -> None:
        """Merges `values` into those that were set before."""
        merged = json.dumps({**self.values(number), **values})
        self._db.execute("UPDATE entities SET property_values = ? WHERE no = ?", (merged, number))
        if owner == "items":
            self._changed(number)

    def entities(self, owner: Owner) -> Iterator[CatalogueSong]:
        """Items, or users in the same shape, in the order in which they were added."""
        for number, entity_id, values in self._db.execute(
            "SELECT no, id, property_values FROM entities WHERE owner = ? ORDER BY no", (owner,)
        ):
            yield CatalogueSong(number, entity_id, json.loads(values))

    def song_changes(self, *, after: int) -> SongChanges:
        if after == 0:
            return SongChanges(self.entities("items"), (), self.catalogue_version)
        numbers = dict.fromkeys(self._song_log[after - 1 :])
        changed = [song for number in numbers if (song := self._song(number)) is not None]
        deleted = numbers.keys() - {song.number for song in changed}
        return SongChanges(changed, deleted, self.catalogue_version)

    def _song(self, number: int) -> CatalogueSong | None:
        row = self._db.execute(
            "SELECT id, property_values FROM entities WHERE no = ? AND owner = 'items'", (number,)
        ).fetchone()
        return None if row is None else CatalogueSong(number, row[0], json.loads(row[1]))

    def add_interaction(self, interaction: Interaction) -> bool:
        """False when the same user did the same to the same item at the same moment."""
        cursor = self._db.execute(
            "INSERT INTO interactions (user_no, item_no, signal, value, at, session, details)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                interaction.user_no,
                interaction.item_no,
                int(interaction.signal),
                interaction.value,
                interaction.at,
                "",
                json.dumps(interaction.details),
            ),
        )
        if cursor.rowcount > 0:
            self.interaction_count += 1
            self._changed()
        return cursor.rowcount > 0

    def remove_interactions(self, user_no: int, item_no: int, signal: Signal, *, at: float | None) -> int:
        """The number of interactions removed; None means any moment."""
        cursor = self._db.execute(
            "DELETE FROM interactions WHERE user_no = ? AND item_no = ? AND signal = ?"
            " AND (? IS NULL OR at = ?)",
            (user_no, item_no, int(signal), at, at),
        )
        if cursor.rowcount:
            self.interaction_count -= cursor.rowcount
            self._changed(erased=True)
        return cursor.rowcount

    def interactions(
        self, signal: Signal, *, user_no: int | None = None, item_no: int | None = None
    ) -> Iterator[tuple[str, str, Interaction]]:
        """User id, item id and the rest, oldest first, of one user or of one item."""
        for user_id, item_id, row_user, row_item, value, at, details in self._db.execute(
            "SELECT u.id, i.id, n.user_no, n.item_no, n.value, n.at, n.details"
            " FROM interactions n JOIN entities u ON u.no = n.user_no JOIN entities i ON i.no = n.item_no"
            " WHERE n.signal = ? AND (? IS NULL OR n.user_no = ?) AND (? IS NULL OR n.item_no = ?)"
            " ORDER BY n.at, n.no",
            (int(signal), user_no, user_no, item_no, item_no),
        ):
            yield (
                user_id,
                item_id,
                Interaction(row_user, row_item, signal, value, at, json.loads(details)),
            )

    def listening(self, *, after: int) -> tuple[Listening, int]:
        last = self._db.execute("SELECT COALESCE(MAX(no), 0) FROM interactions").fetchone()[0]
        rows = self._db.execute(
            "SELECT user_no, item_no, signal, value, at FROM interactions WHERE no > ? ORDER BY no", (after,)
        )
        return Listening.from_rows(rows), int(last)

    def listening_of(self, listener: int) -> Listening:
        return Listening.from_rows(
            self._db.execute(
                "SELECT user_no, item_no, signal, value, at FROM interactions WHERE user_no = ? ORDER BY no",
                (listener,),
            )
        )

    def erase(self) -> None:
        """Everything, properties included."""
        songs = [number for (number,) in self._db.execute("SELECT no FROM entities WHERE owner = 'items'")]
        for statement in ("DELETE FROM interactions", "DELETE FROM entities", "DELETE FROM properties"):
            self._db.execute(statement)
        self.interaction_count = 0
        self._changed(*songs, erased=True)
