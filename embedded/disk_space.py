"""Recognizes a full disk, and says what to do about it."""

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import Final

LEAST_FREE_BYTES: Final = 1_000_000
"""A disk with less counts as full: what is uploaded would not fit."""

LOW_BYTES: Final = 64_000_000
"""With less, a start that failed may have failed for lack of space: what did not fit is removed at once."""

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


def advice(data_dir: Path) -> str | None:
    """What to do when little space is left for `data_dir`; None when there is enough."""
    try:
        free = free_bytes(data_dir)
    except OSError:
        return None
    if free >= LOW_BYTES:
        return None
    return (
        f"The disk of DATA_DIR {data_dir} is full or nearly so: {free / 1_000_000:.1f} MB are free. "
        "Free some space, or set DATA_DIR to a folder on another disk, and start again."
    )
