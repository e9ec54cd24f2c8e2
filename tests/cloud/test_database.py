"""The SQLite files of the local cloud's providers."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from embedded.cloud.database import open_database


async def test_failed_statement_keeps_those_of_others(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite3"
    connection = await open_database(path, "CREATE TABLE notes (text TEXT)", schema_version=1)
    try:
        await connection.execute("PRAGMA max_page_count = 2")
        await connection.execute("INSERT INTO notes VALUES ('acknowledged')")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await connection.execute("INSERT INTO notes VALUES (?)", ("x" * 100_000,))
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT text FROM notes").fetchall() == [("acknowledged",)]
    finally:
        await connection.close()
