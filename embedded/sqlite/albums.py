"""Albums in SQLite."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import overload

from album_service.domain import (
    Album,
    AlbumChangedMeanwhileError,
    AlbumFullError,
    AlbumNotFoundError,
    SongInAlbumError,
    SongNotFoundError,
)
from album_service.ports import AlbumChanges, AlbumFilter
from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase, Value
from embedded.sqlite.search import search_columns
from shared.clock import from_millis, now, to_millis
from shared.http.pagination import Slice
from shared.ports import StoredImage

COLUMNS = (
    "id, title, creator_id, creator_name, image_public_id, image_url, song_ids, "
    "is_public, is_visible, created_at, updated_at, revision, collaborator_ids"
)
_ONE_CHANGE = ("updated_at = :updated_at", "revision = revision + 1")
_HAS_SONG = "EXISTS (SELECT 1 FROM json_each(song_ids) WHERE value = :song_id)"
_WITHOUT_SONG = """(
    SELECT json_group_array(value)
    FROM (SELECT value FROM json_each(song_ids) WHERE value <> :song_id ORDER BY key)
)"""
_ATTEMPTS = 3


class SqliteAlbums:
    """An `AlbumRepository`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, album: Album) -> None:
        row = to_row(album)
        await self._database.write(statements.insert("albums", row), row)

    async def get(self, album_id: str) -> Album:
        statement = statements.select(COLUMNS, "albums", ["id = :id"])
        rows = await self._database.read(statement, {"id": album_id.lower()})
        if not rows:
            raise AlbumNotFoundError
        return to_album(rows[0])

    async def list(self, wanted: AlbumFilter, part: Slice) -> Sequence[Album]:
        conditions, values = _narrow(wanted)
        statement, part_values = statements.page(COLUMNS, "albums", conditions, part)
        return [to_album(row) for row in await self._database.read(statement, {**values, **part_values})]

    async def count(self, wanted: AlbumFilter) -> int:
        conditions, values = _narrow(wanted)
        rows = await self._database.read(statements.select("count(*)", "albums", conditions), values)
        return int(rows[0][0])

    @overload
    async def change(self, album_id: str, changes: AlbumChanges) -> Album: ...

    @overload
    async def change(
        self, album_id: str, changes: AlbumChanges, *, if_revision: int | None
    ) -> Album | None: ...

    async def change(
        self, album_id: str, changes: AlbumChanges, *, if_revision: int | None = None
    ) -> Album | None:
        row = _to_change(changes)
        conditions: list[str] = []
        values = dict(row)
        if if_revision is not None:
            conditions.append("revision = :if_revision")
            values["if_revision"] = if_revision
        changed = await self._update(album_id, [f"{name} = :{name}" for name in row], conditions, values)
        if changed is None:
            await self.get(album_id)
        return changed

    async def append_song(self, album_id: str, song_id: str, most: int) -> Album:
        song_id = song_id.lower()
        conditions = ["json_array_length(song_ids) < :most", f"NOT {_HAS_SONG}"]
        for _ in range(_ATTEMPTS):
            changed = await self._update(
                album_id,
                ["song_ids = json_insert(song_ids, '$[#]', :song_id)"],
                conditions,
                {"song_id": song_id, "most": most},
            )
            if changed is not None:
                return changed
            album = await self.get(album_id)
            if song_id in album.song_ids:
                raise SongInAlbumError
            if len(album.song_ids) >= most:
                raise AlbumFullError
        raise AlbumChangedMeanwhileError

    async def take_song_out(self, album_id: str, song_id: str) -> Album:
        assignments = [f"song_ids = {_WITHOUT_SONG}"]
        changed = await self._update(album_id, assignments, [_HAS_SONG], {"song_id": song_id.lower()})
        if changed is None:
            await self.get(album_id)
            raise SongNotFoundError
        return changed

    async def remove(self, album_id: str, *, if_revision: int | None = None) -> bool:
        conditions = ["id = :id"] if if_revision is None else ["id = :id", "revision = :if_revision"]
        statement = statements.delete("albums", conditions, "id")
        if await self._database.write(statement, {"id": album_id.lower(), "if_revision": if_revision}):
            return True
        await self.get(album_id)
        return False

    async def _update(
        self,
        album_id: str,
        assignments: Sequence[str],
        conditions: Sequence[str],
        values: Mapping[str, Value],
    ) -> Album | None:
        """The album after the assignments; None when there is none that meets the conditions."""
        statement = statements.update(
            "albums", (*assignments, *_ONE_CHANGE), ("id = :id", *conditions), COLUMNS
        )
        bound = {**values, "id": album_id.lower(), "updated_at": to_millis(now())}
        rows = await self._database.write(statement, bound)
        return to_album(rows[0]) if rows else None


def _narrow(wanted: AlbumFilter) -> tuple[list[str], dict[str, Value]]:
    conditions: list[str] = []
    values: dict[str, Value] = {}
    if wanted.listed_only:
        conditions += ["is_public = 1", "is_visible = 1"]
    if wanted.creator_id is not None:
        conditions.append("creator_id = :creator_id")
        values["creator_id"] = wanted.creator_id
    if wanted.visible_only:
        conditions.append("is_visible = 1")
    if wanted.collaborator_id is not None:
        conditions.append("id IN (SELECT album_id FROM collaborators WHERE user_id = :collaborator_id)")
        values["collaborator_id"] = wanted.collaborator_id
    return conditions, values


def to_row(album: Album) -> Mapping[str, Value]:
    """The album as a row."""
    return {
        "id": album.id,
        "title": album.title,
        "creator_id": album.creator_id,
        "creator_name": album.creator_name,
        "image_public_id": album.image.public_id,
        "image_url": album.image.url,
        "song_ids": json.dumps(album.song_ids),
        "collaborator_ids": json.dumps(album.collaborator_ids),
        "is_public": album.is_public,
        "is_visible": album.is_visible,
        "created_at": to_millis(album.created_at),
        "updated_at": to_millis(album.updated_at),
        "revision": album.revision,
        **search_columns(album.title, album.creator_name),
    }


def _to_change(changes: AlbumChanges) -> dict[str, Value]:
    row: dict[str, Value] = {}
    if "title" in changes:
        row["title"] = changes["title"]
        found_by = search_columns(changes["title"], "")
        row |= {name: found_by[name] for name in ("title_key", "title_words")}
    if "creator_name" in changes:
        row["creator_name"] = changes["creator_name"]
        found_by = search_columns("", changes["creator_name"])
        row |= {name: found_by[name] for name in ("by_key", "by_words")}
    if "is_public" in changes:
        row["is_public"] = changes["is_public"]
    if "is_visible" in changes:
        row["is_visible"] = changes["is_visible"]
    if "song_ids" in changes:
        row["song_ids"] = json.dumps(changes["song_ids"])
    if "collaborator_ids" in changes:
        row["collaborator_ids"] = json.dumps(changes["collaborator_ids"])
    return row


def to_album(row: sqlite3.Row) -> Album:
    """The album in a row of `COLUMNS`."""
    return Album(
        id=row["id"],
        title=row["title"],
        creator_id=row["creator_id"],
        creator_name=row["creator_name"],
        image=StoredImage(row["image_public_id"], row["image_url"]),
        song_ids=tuple(json.loads(row["song_ids"])),
        is_public=bool(row["is_public"]),
        is_visible=bool(row["is_visible"]),
        created_at=from_millis(row["created_at"]),
        updated_at=from_millis(row["updated_at"]),
        revision=row["revision"],
        collaborator_ids=tuple(json.loads(row["collaborator_ids"])),
    )
