"""The processes of a running system: finding them, stopping them as a fault would, and what they take."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.system.running import RunningSystem

LOOK_SECONDS = 30.0


@dataclass(frozen=True)
class Process:
    """A line of `ps`; `resident` is in bytes."""

    pid: int
    parent: int
    resident: int
    state: str
    command: str


def all_processes() -> dict[int, Process]:
    """Every process of this machine that has not ended.

    Whole lines (`ww`): where COLUMNS is set, `ps` cuts them there, and with them the end of a command.
    """
    listed = subprocess.run(
        ["ps", "-axwwo", "pid=,ppid=,rss=,stat=,command="], check=True, capture_output=True, text=True
    )
    found = {}
    for line in listed.stdout.splitlines():
        pid, parent, resident, state, command = line.split(None, 4)
        if not state.startswith("Z"):
            found[int(pid)] = Process(int(pid), int(parent), int(resident) * 1024, state, command)
    return found


def below(pid: int) -> set[int]:
    """The process and everything that it, or a process of it, started."""
    everything = all_processes()
    found = {pid} & everything.keys()
    while more := {each.pid for each in everything.values() if each.parent in found} - found:
        found |= more
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that have not ended."""
    return pids & all_processes().keys()


def is_named(process: Process, name: str) -> bool:
    """Whether it is the process of that name of an embedded system."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{process.pid}/comm").read_text() == f"music-{name}\n"
    return process.command.endswith(f"embedded.child {name}")


def pid_of(system: RunningSystem, name: str) -> int:
    """The process of that name: redis, cloud, user, song, album, gateway. Waits for one that restarts."""
    deadline = time.monotonic() + LOOK_SECONDS
    while True:
        children = [each for each in all_processes().values() if each.parent == system.process.pid]
        for each in children:
            if is_named(each, name):
                return each.pid
        assert time.monotonic() < deadline, f"{name} does not run, but {children}"
        time.sleep(0.1)


def kill(pids: set[int]) -> None:
    """End them at once, those that have not ended by themselves meanwhile."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def server_of_redis(system: RunningSystem) -> int:
    """What really is Redis: redis-server below the process that keeps it, else that process itself."""
    parent = pid_of(system, "redis")
    return max(below(parent) - {parent}, default=parent)


def resident_bytes(pid: int) -> int:
    """Memory that the process takes now."""
    return all_processes()[pid].resident


@contextmanager
def hanging(pid: int) -> Iterator[None]:
    """The process does nothing until the end of the block; what it holds, it holds on to."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
