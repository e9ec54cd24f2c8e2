"""A disk of a few megabytes that only the processes of a test see: nothing stays mounted."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
_OWN_MOUNTS = ("unshare", "--map-root-user", "--mount")


def _can_mount() -> bool:
    try:
        tried = subprocess.run(
            [*_OWN_MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return tried.returncode == 0


NO_MOUNTS = "this machine allows no mount in a namespace of its own"
"""The reason of skips that are expected in CI too: containers often forbid mounts."""

needs_small_disk = pytest.mark.skipif(not _can_mount(), reason=NO_MOUNTS)


@dataclass(frozen=True)
class SmallDisk:
    """Processes started with `command` in front see it at `folder`, tests at `outside`."""

    folder: Path
    outside: Path
    command: Sequence[str]

    def fill(self, leave_bytes: int = 0) -> None:
        """Use all space but this."""
        filling = self.outside / "filling"
        with filling.open("ab", buffering=0) as file:
            for size in (65_536, 4_096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue
        os.truncate(filling, filling.stat().st_size - leave_bytes)

    def empty(self) -> None:
        """Free what `fill` used."""
        (self.outside / "filling").unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """The disk, until the end of the block; processes on it must have ended by then."""
    mount = f'mount -t tmpfs -o size={megabytes}m none "$0" && echo mounted && exec cat'
    with subprocess.Popen(
        [*_OWN_MOUNTS, "sh", "-c", mount, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"mounted\n"
        enter = ("nsenter", f"--target={holder.pid}", "--user", "--mount")
        command = (*enter, "sh", "-c", 'cd "$0" && exec "$@"', os.fspath(PROJECT))
        yield SmallDisk(folder, Path(f"/proc/{holder.pid}/root{folder}"), command)
