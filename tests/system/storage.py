"""What a running system keeps on its disk, looked at behind its back."""

import sqlite3
from contextlib import closing
from typing import Any

from tests.system.running import RunningSystem


def rows(system: RunningSystem, file: str, statement: str, *values: Any) -> list[Any]:
    """What the SELECT finds in a file of the system's folder, each row's first column."""
    with closing(sqlite3.connect(system.data_dir / file, timeout=30)) as database:
        return [row[0] for row in database.execute(statement, values)]


def change(system: RunningSystem, file: str, statement: str, *values: Any) -> None:
    """Change a file of the system's folder without its service knowing."""
    with closing(sqlite3.connect(system.data_dir / file, timeout=30)) as database, database:
        database.execute(statement, values)


def stored_media(system: RunningSystem) -> set[str]:
    """The public ids of what the media store holds. Each has a folder, and no folder is without one."""
    found = rows(system, "cloud/cloudinary/assets.sqlite3", "SELECT public_id FROM assets")
    folders = list((system.data_dir / "cloud/cloudinary/media").iterdir())
    assert len(folders) == len(found)
    return set(found)


def journal_entries(system: RunningSystem, service: str) -> set[str]:
    """The public ids of media that the service may have to remove."""
    return set(rows(system, f"{service}s.sqlite", "SELECT public_id FROM media_cleanups"))


def make_entries_due(system: RunningSystem, service: str) -> None:
    """As if their time had come."""
    change(system, f"{service}s.sqlite", "UPDATE media_cleanups SET due_at = 0")
