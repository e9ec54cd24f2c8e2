"""The log files of the embedded system: one for each process, and the one before it."""

import os
import shutil
from pathlib import Path

LARGEST_BYTES = 10_000_000


def log_file(folder: Path, name: str) -> Path:
    """Where the process of this name writes."""
    return folder / f"{name}.log"


def rotate(path: Path) -> None:
    """Move what a large file holds to `.log.1`, in place of what that held. Blocks.

    Its process may hold it open, to append: so it is copied and emptied, not renamed. What is written between
    the two is lost.

    Raises:
        OSError: it cannot be, as on a full disk.
    """
    if path.exists() and path.stat().st_size > LARGEST_BYTES:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)
