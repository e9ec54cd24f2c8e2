"""The file under the SQLite repositories: its schema, its durability, and what can be in its way."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from embedded.sqlite import schemas
from embedded.sqlite.database import (
    UNAVAILABLE_CODES,
    DuplicateRowError,
    NewerSchemaError,
    SqliteDatabase,
    open_database,
    store_errors,
)
from embedded.sqlite.interactions import SqliteInteractions
from embedded.sqlite.songs import SqliteSongs
from shared.errors import UnavailableError
from tests.repositories.builders import NOON, a_song, an_interaction, minutes

FIRST = ("CREATE TABLE notes (text TEXT NOT NULL UNIQUE) STRICT",)
SECOND = ("ALTER TABLE notes ADD COLUMN stars INTEGER NOT NULL DEFAULT 0", "UPDATE notes SET stars = 5")
IMPATIENT_SECONDS = 0.1
WRITER = """
import asyncio, sys
from pathlib import Path
from embedded.sqlite import schemas
from embedded.sqlite.database import open_database
from embedded.sqlite.interactions import SqliteInteractions
from tests.repositories.builders import an_interaction

async def main():
    async with open_database(Path(sys.argv[1]), schemas.SONGS) as database:
        interactions = SqliteInteractions(database)
        while True:
            interaction = an_interaction()
            await interactions.add(interaction)
            print(interaction.id, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "songs.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    async with open_database(path, schemas.SONGS, busy_timeout_seconds=IMPATIENT_SECONDS) as opened:
        yield opened


async def notes(database: SqliteDatabase) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await database.read("SELECT * FROM notes ORDER BY text")]


async def test_later_migrations_keep_existing_data(path: Path) -> None:
    async with open_database(path, [FIRST]) as database:
        await database.write("INSERT INTO notes VALUES ('kept')")
    for _ in range(2):
        async with open_database(path, [FIRST, SECOND]) as database:
            assert await notes(database) == [("kept", 5)]


async def test_failed_migration_changes_nothing(path: Path) -> None:
    broken = (*SECOND, "ALTER TABLE unknown ADD COLUMN stars INTEGER")
    async with open_database(path, [FIRST]) as database:
        await database.write("INSERT INTO notes VALUES ('kept')")
    with pytest.raises(sqlite3.OperationalError, match="unknown"):
        async with open_database(path, [FIRST, broken]):
            pytest.fail("it was opened")
    async with open_database(path, [FIRST]) as database:
        assert await notes(database) == [("kept",)]


async def test_newer_schema_is_refused_unchanged(path: Path) -> None:
    async with open_database(path, [FIRST, SECOND]) as database:
        await database.write("INSERT INTO notes VALUES ('kept', 1)")
    with pytest.raises(NewerSchemaError, match=r"songs\.db has schema version 2.* knows 1 at most"):
        async with open_database(path, [FIRST]):
            pytest.fail("it was opened")
    async with open_database(path, [FIRST, SECOND]) as database:
        assert await notes(database) == [("kept", 1)]


async def test_concurrent_creation_of_the_file_succeeds(path: Path) -> None:
    async def open_and_count() -> int:
        async with open_database(path, schemas.SONGS) as database:
            return len(await database.read("SELECT * FROM songs"))

    assert await asyncio.gather(*(open_and_count() for _ in range(4))) == [0] * 4


@pytest.fixture
def shopping_list(tmp_path: Path) -> Iterator[Path]:
    """A file that is no database, and stays as it is."""
    path, text = tmp_path / "list.db", "a shopping list\n" * 1000
    path.write_text(text)
    yield path
    assert path.read_text() == text


async def test_unusable_path_is_unavailable_and_unchanged(shopping_list: Path) -> None:
    folder = shopping_list.parent
    for unusable in (shopping_list, folder, folder / "no such folder" / "songs.db"):
        with pytest.raises(UnavailableError):
            async with open_database(unusable, schemas.SONGS):
                pytest.fail("it was opened")


async def test_commits_are_synchronous(database: SqliteDatabase) -> None:
    assert (await database.write("PRAGMA journal_mode"))[0][0] == "wal"
    full = 2
    assert (await database.write("PRAGMA synchronous"))[0][0] == full


async def test_acknowledged_writes_survive_a_kill(path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        returned = [(await process.stdout.readline()).decode().strip() for _ in range(25)]
        process.send_signal(signal.SIGKILL)
        returned += (await process.stdout.read()).decode().split("\n")[:-1]
        await process.wait()
    async with open_database(path, schemas.SONGS) as database:
        stored = await SqliteInteractions(database).claim_unsynced(NOON, NOON + minutes(1), 100_000)
    assert {interaction.id for interaction in stored} >= set(returned)


async def test_reads_continue_during_a_waiting_write(path: Path, database: SqliteDatabase) -> None:
    songs, song = SqliteSongs(database), a_song()
    await songs.add(song)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(songs.change(song.id, {"title": "So What"}))
        assert await songs.get(song.id) == song
        assert await database.ping()
        other.execute("COMMIT")
        changed = await writing
    assert changed is not None
    assert await songs.get(song.id) == changed


async def test_lock_timeout_is_unavailable_and_changes_nothing(path: Path, database: SqliteDatabase) -> None:
    songs, song = SqliteSongs(database), a_song()
    await songs.add(song)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError):
            await songs.remove(song.id)
        other.execute("ROLLBACK")
    assert await songs.get(song.id) == song


async def test_full_disk_is_unavailable_until_space_returns(database: SqliteDatabase) -> None:
    songs, kept, big = SqliteSongs(database), a_song(), a_song(title="x" * 100_000)
    await songs.add(kept)
    pages = (await database.write("PRAGMA page_count"))[0][0]
    await database.write(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UnavailableError, match="its disk is full"), capture_logs() as logged:
        await songs.add(big)
    assert [line["cause"] for line in logged] == ["the disk is full"]
    assert await songs.get_many([kept.id, big.id]) == [kept]
    assert await database.ping()
    await database.write("PRAGMA max_page_count = 1000000")
    await songs.add(big)
    assert await songs.get(big.id) == big


async def test_cancelled_write_is_complete_or_absent(database: SqliteDatabase) -> None:
    interactions = SqliteInteractions(database)
    adding = [asyncio.create_task(interactions.add(an_interaction())) for _ in range(20)]
    await asyncio.sleep(0)
    for task in adding[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    assert [outcome for outcome in outcomes[1::2] if outcome is not True] == []
    assert await interactions.add(an_interaction())


async def test_read_connection_cannot_write(database: SqliteDatabase) -> None:
    with pytest.raises(UnavailableError):
        await database.read("DELETE FROM songs RETURNING id")


async def test_sql_errors_are_not_unavailable(database: SqliteDatabase) -> None:
    with pytest.raises(sqlite3.OperationalError):
        await database.read("SELECT nothing FROM nowhere")


async def test_duplicate_differs_from_missing_value(path: Path) -> None:
    async with open_database(path, [FIRST]) as database:
        await database.write("INSERT INTO notes VALUES ('one')")
        with pytest.raises(DuplicateRowError):
            await database.write("INSERT INTO notes VALUES ('one')")
        with pytest.raises(sqlite3.IntegrityError):
            await database.write("INSERT INTO notes VALUES (NULL)")
        assert await notes(database) == [("one",)]


MISTAKES = {
    "SQLITE_ERROR",
    "SQLITE_INTERNAL",
    "SQLITE_ABORT",
    "SQLITE_NOTFOUND",
    "SQLITE_EMPTY",
    "SQLITE_SCHEMA",
    "SQLITE_TOOBIG",
    "SQLITE_CONSTRAINT",
    "SQLITE_MISMATCH",
    "SQLITE_MISUSE",
    "SQLITE_NOLFS",
    "SQLITE_AUTH",
    "SQLITE_FORMAT",
    "SQLITE_RANGE",
}


def primary_codes() -> dict[str, int]:
    """The error codes by name. Others with such names are extended codes, actions and limits."""
    made: dict[str, int] = {}
    for name in (
        *("ERROR", "INTERNAL", "PERM", "ABORT", "BUSY", "LOCKED", "NOMEM", "READONLY", "INTERRUPT", "IOERR"),
        *("CORRUPT", "NOTFOUND", "FULL", "CANTOPEN", "PROTOCOL", "EMPTY", "SCHEMA", "TOOBIG", "CONSTRAINT"),
        *("MISMATCH", "MISUSE", "NOLFS", "AUTH", "FORMAT", "RANGE", "NOTADB"),
    ):
        made[f"SQLITE_{name}"] = getattr(sqlite3, f"SQLITE_{name}")
    assert sorted(made.values()) == list(range(1, 27))
    return made


def test_every_error_code_is_classified() -> None:
    unavailable = {name for name, code in primary_codes().items() if code in UNAVAILABLE_CODES}
    assert unavailable & MISTAKES == set()
    assert unavailable | MISTAKES == set(primary_codes())


@pytest.mark.parametrize("code", sorted(UNAVAILABLE_CODES))
def test_extended_codes_count_as_their_primary_code(code: int) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code | 5 << 8
    with pytest.raises(UnavailableError), store_errors():
        raise error
