"""Songs in SQLite, with their sync state for the recommendation engine."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import cast, overload

from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase, Value
from embedded.sqlite.search import search_columns
from shared.clock import from_millis, now, to_millis
from shared.http.pagination import Slice
from shared.ports import StoredAudio, StoredImage
from shared.search import key_of
from song_service.domain import DETAILS, CatalogueEntry, Song, SongChanges, SongNotFoundError, values_of
from song_service.ports import SongFilter

COLUMNS = (
    f"id, {', '.join(DETAILS)}, artist_id, artist_name, image_public_id, image_url, audio_public_id, "
    "audio_url, low_url, medium_url, high_url, duration, is_visible, created_at, updated_at, revision"
)
_EXISTS = "is_removed = 0"
_REPORTED = """
    WITH reported AS (
        SELECT
            json_extract(value, '$.id') AS id,
            json_extract(value, '$.revision') AS revision,
            json_extract(value, '$.leased_until') AS leased_until
        FROM json_each(:reported)
    )
"""
_FORGET_REMOVED = f"""{_REPORTED}
    DELETE FROM songs WHERE is_removed = 1 AND (id, revision) IN (SELECT id, revision FROM reported)
"""  # noqa: S608 - put together from constants
# Only the lease that the entry was claimed with ends: a later one is another worker's.
_NOTE_SENT = f"""{_REPORTED}
    UPDATE songs SET
        is_sent = (songs.revision = reported.revision),
        leased_until = iif(songs.leased_until = reported.leased_until, 0, songs.leased_until)
    FROM reported WHERE songs.id = reported.id
"""  # noqa: S608 - put together from constants


class SqliteSongs:
    """A `SongRepository`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, song: Song) -> None:
        row = to_row(song)
        await self._database.write(statements.insert("songs", row), row)

    async def get(self, song_id: str) -> Song:
        statement = statements.select(COLUMNS, "songs", ["id = :id", _EXISTS])
        rows = await self._database.read(statement, {"id": song_id.lower()})
        if not rows:
            raise SongNotFoundError
        return to_song(rows[0])

    async def get_many(self, song_ids: Sequence[str]) -> Sequence[Song]:
        conditions = ["id IN (SELECT value FROM json_each(:ids))", _EXISTS]
        ids = json.dumps([song_id.lower() for song_id in song_ids])
        rows = await self._database.read(statements.select(COLUMNS, "songs", conditions), {"ids": ids})
        return [to_song(row) for row in rows]

    async def list(self, wanted: SongFilter, part: Slice) -> Sequence[Song]:
        conditions, values = _narrow(wanted)
        statement, part_values = statements.page(COLUMNS, "songs", conditions, part)
        return [to_song(row) for row in await self._database.read(statement, {**values, **part_values})]

    async def count(self, wanted: SongFilter) -> int:
        conditions, values = _narrow(wanted)
        rows = await self._database.read(statements.select("count(*)", "songs", conditions), values)
        return int(rows[0][0])

    @overload
    async def change(self, song_id: str, changes: SongChanges) -> Song: ...

    @overload
    async def change(self, song_id: str, changes: SongChanges, *, if_revision: int | None) -> Song | None: ...

    async def change(
        self, song_id: str, changes: SongChanges, *, if_revision: int | None = None
    ) -> Song | None:
        row: Mapping[str, Value] = {**_to_change(changes), "updated_at": to_millis(now())}
        assignments = [*(f"{name} = :{name}" for name in row), "revision = revision + 1", "is_sent = 0"]
        conditions = ["id = :id", _EXISTS]
        if if_revision is not None:
            conditions.append("revision = :if_revision")
        statement = statements.update("songs", assignments, conditions, COLUMNS)
        rows = await self._database.write(
            statement, {**row, "id": song_id.lower(), "if_revision": if_revision}
        )
        if rows:
            return to_song(rows[0])
        await self.get(song_id)
        return None

    async def remove(self, song_id: str) -> None:
        assignments = ["is_removed = 1", "updated_at = :now", "revision = revision + 1", "is_sent = 0"]
        statement = statements.update("songs", assignments, ["id = :id", _EXISTS], "id")
        if not await self._database.write(statement, {"id": song_id.lower(), "now": to_millis(now())}):
            raise SongNotFoundError

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[CatalogueEntry]:
        free = statements.select(
            "id", "songs", ["is_sent = 0", "leased_until <= :moment"], "ORDER BY updated_at, id LIMIT :limit"
        )
        statement = statements.update(
            "songs",
            ["leased_until = :lease_until"],
            [f"id IN ({free})"],
            f"{COLUMNS}, is_removed",
        )
        values = {"moment": to_millis(moment), "lease_until": to_millis(lease_until), "limit": limit}
        rows = await self._database.write(statement, values)
        rows = sorted(rows, key=lambda row: (row["updated_at"], row["id"]))
        return [_to_entry(row, lease_until) for row in rows]

    async def mark_catalogue_synced(self, entries: Sequence[CatalogueEntry]) -> None:
        states = [
            {
                "id": entry.song_id,
                "revision": entry.revision,
                "leased_until": to_millis(entry.leased_until) if entry.leased_until else None,
            }
            for entry in entries
        ]
        for statement in (_FORGET_REMOVED, _NOTE_SENT):
            await self._database.write(statement, {"reported": json.dumps(states)})

    async def count_unsynced(self, song_ids: Collection[str] | None = None) -> int:
        conditions, values = ["is_sent = 0"], dict[str, Value]()
        if song_ids is not None:
            conditions.append("id IN (SELECT value FROM json_each(:ids))")
            values["ids"] = json.dumps(list(song_ids))
        rows = await self._database.read(statements.select("count(*)", "songs", conditions), values)
        return int(rows[0][0])


def _narrow(wanted: SongFilter) -> tuple[list[str], dict[str, Value]]:
    conditions = [_EXISTS]
    values: dict[str, Value] = {}
    if wanted.listed_only:
        conditions += ["is_public = 1", "is_visible = 1"]
    if wanted.artist_id is not None:
        conditions.append("artist_id = :artist_id")
        values["artist_id"] = wanted.artist_id
    return conditions, values


def to_row(song: Song) -> Mapping[str, Value]:
    """The song as a row."""
    return {
        "id": song.id,
        **values_of(song),
        "artist_id": song.artist_id,
        "artist_name": song.artist_name,
        "image_public_id": song.image.public_id,
        "image_url": song.image.url,
        "audio_public_id": song.audio.public_id,
        "audio_url": song.audio.url,
        "low_url": song.audio.low_url,
        "medium_url": song.audio.medium_url,
        "high_url": song.audio.high_url,
        "duration": song.duration,
        "is_visible": song.is_visible,
        "created_at": to_millis(song.created_at),
        "updated_at": to_millis(song.updated_at),
        "revision": song.revision,
        **search_columns(song.title, song.artist_name),
        **label_keys(song.genre, song.mood),
    }


def label_keys(genre: str | None, mood: str | None) -> dict[str, Value]:
    """How genre and mood are compared."""
    return {"genre_key": key_of(genre or ""), "mood_key": key_of(mood or "")}


def _to_change(changes: SongChanges) -> dict[str, Value]:
    row = cast("dict[str, Value]", dict(changes))
    if "title" in changes:
        row |= {
            name: value for name, value in search_columns(changes["title"], "").items() if "title" in name
        }
    if "artist_name" in changes:
        found_by = search_columns("", changes["artist_name"])
        row |= {name: found_by[name] for name in ("by_key", "by_words")}
    if "genre" in changes:
        row["genre_key"] = key_of(changes["genre"] or "")
    if "mood" in changes:
        row["mood_key"] = key_of(changes["mood"] or "")
    return row


def to_song(row: sqlite3.Row) -> Song:
    """The song in a row of `COLUMNS`."""
    return Song(
        **({name: row[name] for name in DETAILS} | {"is_public": bool(row["is_public"])}),
        id=row["id"],
        artist_id=row["artist_id"],
        artist_name=row["artist_name"],
        image=StoredImage(row["image_public_id"], row["image_url"]),
        audio=StoredAudio(
            row["audio_public_id"], row["audio_url"], row["low_url"], row["medium_url"], row["high_url"]
        ),
        duration=row["duration"],
        is_visible=bool(row["is_visible"]),
        created_at=from_millis(row["created_at"]),
        updated_at=from_millis(row["updated_at"]),
        revision=row["revision"],
    )


def _to_entry(row: sqlite3.Row, leased_until: datetime) -> CatalogueEntry:
    song = None if row["is_removed"] else to_song(row)
    return CatalogueEntry(row["id"], row["revision"], song, leased_until)
