"""SQLite as the local cloud's providers use it: one file each, with durable commits.

Every statement is its own transaction. Requests share a connection: with transactions of several statements,
one that fails on a full disk would take the acknowledged statements of other requests with it.
"""

from pathlib import Path

import aiosqlite

BUSY_TIMEOUT_MS = 5000


class UnknownSchemaError(Exception):
    """The file was written by another version of this program."""


async def open_database(path: Path, schema: str, *, schema_version: int) -> aiosqlite.Connection:
    """An open connection with `schema` in place. Raises UnknownSchemaError when the file is of another one.

    synchronous=FULL because an acknowledged upload or account must survive a power cut.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = await aiosqlite.connect(path, isolation_level=None)
    try:
        connection.row_factory = aiosqlite.Row
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        async with connection.execute("PRAGMA user_version") as cursor:
            row = await cursor.fetchone()
        found = int(row[0]) if row else 0
        if found not in (0, schema_version):
            raise UnknownSchemaError(f"{path} has schema {found}, this program knows {schema_version}")
        if found == 0:
            await connection.executescript(
                f"BEGIN; {schema}; PRAGMA user_version = {schema_version}; COMMIT;"
            )
    except BaseException:
        await connection.close()
        raise
    return connection
