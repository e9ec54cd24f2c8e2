"""Processes that a measurement starts, with the processor time and memory that each has used."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parents[1]
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 15.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """A running process that listens on `port` of 127.0.0.1."""

    name: str
    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """User and system time since its start."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def resident_megabytes(self) -> float:
        """Memory in RAM now."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(
    name: str, port: int, *command: str, environment: Mapping[str, str], log: Path
) -> AsyncIterator[Process]:
    """The process while the block runs; it is listening when the block begins.

    Raises:
        RuntimeError: it ended, or did not listen in time; its output is in `log`.
    """
    with log.open("wb") as output:
        started = await asyncio.create_subprocess_exec(
            *command, cwd=HOME, env={**os.environ, **environment}, stdout=output, stderr=output
        )
    try:
        await _wait_until_listening(name, port, started, log)
        yield Process(name, started.pid, port)
    finally:
        await _stop(started)


def python(module: str) -> tuple[str, ...]:
    """The command that runs a module with this interpreter."""
    return (sys.executable, "-m", module)


async def _wait_until_listening(name: str, port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if process.returncode is not None:
            raise RuntimeError(f"{name} ended: {_end_of(log)}")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError(f"{name} does not listen: {_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text()[-2000:]


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
