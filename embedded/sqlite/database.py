"""A SQLite file as a service's database: opening it, bringing it up to date, reading and writing.

Every statement is its own transaction, so each call takes one round trip to SQLite's thread, and a cancelled
caller never leaves one half done.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiosqlite
import structlog

from embedded.disk_space import is_disk_full
from shared.errors import UnavailableError

# STRICT tables came last of what the statements of this package need.
OLDEST_SQLITE = (3, 37, 0)
BUSY_TIMEOUT_SECONDS = 5.0
BUSY_PAUSE_SECONDS = 0.01

# With NORMAL a commit can be lost in a power cut; with FULL it is on disk before it is acknowledged, as
# accepted interactions must be. Measured here, 32 at once: 3,000 writes/s with FULL, 4,300 with NORMAL; alone
# 0.35 ms and 0.19 ms, on a busy disk 3 ms.
_WRITER_PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")
_READER_PRAGMAS = ("PRAGMA query_only = ON",)

# SQLite's errors of the disk, the file or other processes, as opposed to errors of the statement.
UNAVAILABLE_CODES = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)

log = structlog.stdlib.get_logger(__name__)

Value = str | int | None
Values = Mapping[str, Value]
Migrations = Sequence[Sequence[str]]
"""The statements of each step from an empty file to the present schema. A released step never changes."""


class NewerSchemaError(Exception):
    """The file was written by a later version of this program."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"{path} has schema version {found}, and this version of the program knows {known} at most. "
            "Start the version that wrote it, or move the file away."
        )


class DuplicateRowError(Exception):
    """A unique column holds this value already; nothing was stored."""


class OldSqliteError(Exception):
    """Python brings a SQLite library that is too old."""

    def __init__(self) -> None:
        needed = ".".join(map(str, OLDEST_SQLITE))
        super().__init__(f"This Python has SQLite {sqlite3.sqlite_version}; at least {needed} is needed.")


@contextmanager
def store_errors() -> Iterator[None]:
    """Translate an unusable file into UnavailableError and log why; a duplicate value into DuplicateRowError.

    Errors of the statement itself are not translated.
    """
    try:
        yield
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
            raise
        raise DuplicateRowError from error
    except sqlite3.DatabaseError as error:
        primary_code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if primary_code not in UNAVAILABLE_CODES:
            raise
        log.warning("database unavailable", cause="the disk is full" if is_disk_full(error) else str(error))
        if is_disk_full(error):
            raise UnavailableError("The database cannot be used now: its disk is full") from error
        raise UnavailableError("The database cannot be used now") from error


class SqliteDatabase:
    """An open file. Reads have a connection of their own, so that they do not wait for a write's fsync."""

    def __init__(self, reader: aiosqlite.Connection, writer: aiosqlite.Connection) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, statement: str, values: Values | None = None) -> list[sqlite3.Row]:
        """The rows that the SELECT `statement` finds.

        Raises:
            UnavailableError: the file cannot be read now.
        """
        return await _rows(self._reader, statement, values)

    async def write(self, statement: str, values: Values | None = None) -> list[sqlite3.Row]:
        """Execute `statement`; what it wrote is on the disk when this returns. Returns its RETURNING rows.

        Raises:
            UnavailableError: the file cannot be written now.
            DuplicateRowError: a unique column holds this value already; nothing was written.
        """
        return await _rows(self._writer, statement, values)

    async def ping(self) -> bool:
        """Whether the file can be read."""
        try:
            await self.read("SELECT count(*) FROM sqlite_schema")
        except UnavailableError:
            return False
        return True


async def _rows(connection: aiosqlite.Connection, statement: str, values: Values | None) -> list[sqlite3.Row]:
    with store_errors():
        # sqlite3 takes a mapping for named parameters, which aiosqlite's annotation does not know of.
        return list(await connection.execute_fetchall(statement, values or {}))


@asynccontextmanager
async def open_database(
    path: Path, migrations: Migrations, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS
) -> AsyncIterator[SqliteDatabase]:
    """Open the file at `path`, which is made when it is not there, with the schema that `migrations` lead to.

    Args:
        busy_timeout_seconds: how long a write waits for one of another process.

    Raises:
        UnavailableError: the file cannot be opened, or is no database.
        NewerSchemaError: it has more migrations than this version.
        OldSqliteError: Python's SQLite is too old.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise OldSqliteError
    async with _connection(path, busy_timeout_seconds, _WRITER_PRAGMAS) as writer:
        await _migrate(writer, path, migrations)
        async with _connection(path, busy_timeout_seconds, _READER_PRAGMAS) as reader:
            yield SqliteDatabase(reader, writer)


@asynccontextmanager
async def _connection(
    path: Path, busy_timeout_seconds: float, pragmas: Sequence[str]
) -> AsyncIterator[aiosqlite.Connection]:
    connection = aiosqlite.connect(path, timeout=busy_timeout_seconds, isolation_level=None)
    try:
        with store_errors():
            await connection
    except BaseException:
        # Nobody else waits for the thread of a connection that cannot be opened, and it reports to our loop.
        await asyncio.to_thread(connection._thread.join, busy_timeout_seconds)
        raise
    try:
        connection.row_factory = sqlite3.Row
        for pragma in pragmas:
            await _set(connection, pragma, busy_timeout_seconds)
        yield connection
    finally:
        await connection.close()


async def _set(connection: aiosqlite.Connection, pragma: str, busy_timeout_seconds: float) -> None:
    """Execute `pragma`. SQLite does not wait by itself for others when a file changes to WAL: so we do."""
    give_up_at = time.monotonic() + busy_timeout_seconds
    with store_errors():
        while True:
            try:
                await connection.execute_fetchall(pragma)
            except sqlite3.OperationalError as failure:
                if not _is_busy(failure) or time.monotonic() > give_up_at:
                    raise
                await asyncio.sleep(BUSY_PAUSE_SECONDS)
            else:
                return


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF == sqlite3.SQLITE_BUSY


async def _migrate(writer: aiosqlite.Connection, path: Path, migrations: Migrations) -> None:
    """Take the steps that the file has not seen, all or none; another process that starts waits meanwhile."""
    await _rows(writer, "BEGIN IMMEDIATE", None)
    try:
        version = int((await _rows(writer, "PRAGMA user_version", None))[0][0])
        if version > len(migrations):
            raise NewerSchemaError(path, version, len(migrations))
        for step in migrations[version:]:
            for statement in step:
                await _rows(writer, statement, None)
        await _rows(writer, f"PRAGMA user_version = {len(migrations)}", None)
        await _rows(writer, "COMMIT", None)
    except BaseException:
        await writer.rollback()
        raise
