"""The log files of the embedded system: one for each process, and the one before it."""

import os
import shutil
from pathlib import Path

LARGEST_BYTES = 10_000_000


def log_file(folder: Path, name: str) -> Path:
    """Where the process of this name writes."""
    return folder / f"{name}.log"


def rotate(path: Path) -> None:
    """Rotate a large file to `.log.1`. Blocks.

    Its process may have it open for appending, so it is copied and truncated, not renamed. Lines written in
    between are lost.

    Raises:
        OSError: it cannot be, as on a full disk.
    """
    if path.exists() and path.stat().st_size > LARGEST_BYTES:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)
