"""Assets of the local Cloudinary: rows in SQLite, files in one folder per version of an asset.

A public id is never used as a path: a version's folder has a random name, so no id can lead to another
folder.
"""

import asyncio
import json
import re
import shutil
import sqlite3
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, cast

import aiosqlite

from embedded.cloud.database import open_database

ResourceType = Literal["image", "video"]
ORIGINAL = "original"
MAX_PUBLIC_ID_CHARACTERS = 255
_PUBLIC_ID_SEGMENT = re.compile(r"[^\x00-\x1f\x7f/\\?&#%<>+]+")

SCHEMA = """
CREATE TABLE assets (
    resource_type TEXT NOT NULL,
    public_id TEXT NOT NULL,
    asset_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    version_id TEXT NOT NULL UNIQUE,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    etag TEXT NOT NULL,
    created_at TEXT NOT NULL,
    original_filename TEXT NOT NULL,
    eager TEXT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (resource_type, public_id)
)
"""


@dataclass(frozen=True)
class Asset:
    """`details` depend on the kind of media, `eager` is the parameter as sent, `etag` the file's MD5."""

    resource_type: ResourceType
    public_id: str
    asset_id: str
    version: int
    version_id: str
    format: str
    bytes: int
    etag: str
    created_at: str
    original_filename: str
    eager: str
    details: dict[str, Any]


def is_public_id(text: str) -> bool:
    """Folders are allowed (`songs/abc`); empty and dot segments and the reserved characters are not."""
    segments = text.split("/")
    return len(text) <= MAX_PUBLIC_ID_CHARACTERS and all(
        _PUBLIC_ID_SEGMENT.fullmatch(segment) and segment.strip(". ") and segment == segment.strip()
        for segment in segments
    )


class Assets:
    """Opened with `async with`; opening removes leftovers of interrupted uploads and deletions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._media = folder / "media"
        self.incoming = folder / "incoming"
        self._open_connection: aiosqlite.Connection | None = None
        self._storing = asyncio.Lock()

    @property
    def _connection(self) -> aiosqlite.Connection:
        if self._open_connection is None:
            raise RuntimeError("The assets are not open")
        return self._open_connection

    async def __aenter__(self) -> Self:
        self._open_connection = await open_database(self._folder / "assets.sqlite3", SCHEMA, schema_version=1)
        kept = {asset.version_id for asset in await self.all()}
        await asyncio.to_thread(self._tidy, kept)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._open_connection = self._connection, None
        await connection.close()

    def folder_of(self, asset: Asset) -> Path:
        return self._media / asset.version_id

    def original_of(self, asset: Asset) -> Path:
        return self.folder_of(asset) / ORIGINAL

    async def all(self) -> list[Asset]:
        async with self._connection.execute("SELECT * FROM assets ORDER BY created_at, version") as rows:
            return [_from_row(row) async for row in rows]

    async def find(self, resource_type: ResourceType, public_id: str) -> Asset | None:
        async with self._connection.execute(
            "SELECT * FROM assets WHERE resource_type = ? AND public_id = ?", (resource_type, public_id)
        ) as rows:
            row = await rows.fetchone()
        return _from_row(row) if row else None

    async def store(self, asset: Asset, file: Path) -> tuple[Asset, Asset | None]:
        """Takes `file` over; returns the asset as stored and the one that it replaces, whose files remain.

        A replacement keeps the asset id and gets a higher version, even within the same second: URLs with the
        version in them are cached for a year.
        """
        await asyncio.to_thread(self._take_over, file, self.original_of(asset))
        async with self._storing:
            replaced = await self.find(asset.resource_type, asset.public_id)
            if replaced:
                version = max(asset.version, replaced.version + 1)
                asset = replace(asset, asset_id=replaced.asset_id, version=version)
            row = {**asdict(asset), "details": json.dumps(asset.details)}
            names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
            insert = f"INSERT OR REPLACE INTO assets ({names}) VALUES ({places})"  # noqa: S608 -- Asset's own names
            try:
                await self._connection.execute(insert, row)
            except sqlite3.Error:
                await self.discard_files(asset)
                raise
        return asset, replaced

    async def forget(self, asset: Asset) -> bool:
        """Whether the row was still there; the files are `discard_files`'s."""
        cursor = await self._connection.execute(
            "DELETE FROM assets WHERE version_id = ?", (asset.version_id,)
        )
        return cursor.rowcount > 0

    async def discard_files(self, asset: Asset) -> None:
        await asyncio.to_thread(shutil.rmtree, self.folder_of(asset), ignore_errors=True)

    def _take_over(self, file: Path, original: Path) -> None:
        original.parent.mkdir(parents=True)
        file.replace(original)

    def _tidy(self, kept: set[str]) -> None:
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir(parents=True)
        self._media.mkdir(exist_ok=True)
        for folder in self._media.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                for unfinished in folder.glob("*.part"):
                    unfinished.unlink()


def _from_row(row: aiosqlite.Row) -> Asset:
    columns = dict(row)
    columns["details"] = json.loads(columns["details"])
    columns["resource_type"] = cast("ResourceType", columns["resource_type"])
    return Asset(**columns)
