"""Recognizes a full disk, and says what to do about it."""

import asyncio
import errno
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Final, NoReturn

LEAST_FREE_BYTES: Final = 1_000_000
"""A disk with less counts as full: what is uploaded would not fit."""

LOW_BYTES: Final = 64_000_000
"""With less, a start that failed may have failed for lack of space: what did not fit is removed at once."""

CHECK_SECONDS: Final = 2.0

_FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# The second: the index of a write-ahead log, which is another file, cannot grow.
_FULL_CODES: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})


def is_disk_full(error: BaseException | None) -> bool:
    """Whether SQLite or the operating system failed for lack of space."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) in _FULL_CODES
    return isinstance(error, OSError) and error.errno in _FULL_ERRNOS


def free_bytes(folder: Path) -> int:
    """The space that processes of this user can still use. `folder` may not exist yet.

    Raises:
        OSError: the disk cannot be asked.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def has_space(folder: Path) -> bool:
    """False when the disk of this folder is full. A disk that cannot be asked counts as one with space."""
    try:
        return free_bytes(folder) >= LEAST_FREE_BYTES
    except OSError:
        return True


def advice(data_dir: Path) -> list[str]:
    """A sentence on what to do when little space is left for `data_dir`; none when there is enough."""
    try:
        free = free_bytes(data_dir)
    except OSError:
        return []
    if free >= LOW_BYTES:
        return []
    return [
        f"The disk of DATA_DIR {data_dir} is full or nearly so ({free / 1_000_000:.1f} MB free). "
        "Free some space, or set DATA_DIR to a folder on another disk; then start again."
    ]


async def watch(data_dir: Path) -> NoReturn:
    """Report on standard error when the disk becomes full, and when it has space again.

    The logs cannot say so: they are on the same disk.
    """
    was_full = False
    while True:
        is_full = not has_space(data_dir)
        if is_full and not was_full:
            sys.stderr.write(f"The disk of DATA_DIR {data_dir} is full: changes fail until there is space\n")
        elif was_full and not is_full:
            sys.stderr.write(f"The disk of DATA_DIR {data_dir} has space again\n")
        was_full = is_full
        await asyncio.sleep(CHECK_SECONDS)
