"""Runs the whole system on this machine, until Ctrl-C."""

import asyncio
import fcntl
import signal
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from embedded.demo_state import DemoState
from embedded.disk_space import advice, is_disk_full, watch
from embedded.installation import MovedError, installation_in, keep_media_url
from embedded.plan import plan
from embedded.settings import EmbeddedSettings
from embedded.supervisor import StartError, Supervisor, taken_ports
from embedded.welcome import welcome
from shared.settings import explain


@contextmanager
def _writing_in(data_dir: Path) -> Iterator[None]:
    """Translates errors of the data folder."""
    try:
        yield
    except OSError as failure:
        raise StartError(f"DATA_DIR {data_dir} cannot be written: {failure.strerror}") from None


@contextmanager
def _explaining_a_full_disk(data_dir: Path) -> Iterator[None]:
    """Adds what to do to a failed start, which may have failed because the disk is full."""
    try:
        yield
    except (StartError, OSError) as failure:
        if isinstance(failure, OSError) and not is_disk_full(failure):
            raise
        raise StartError("\n".join([str(failure), *advice(data_dir)])) from failure


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Creates the folder and locks it. Two systems must not share one."""
    with _writing_in(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (data_dir / "lock").open("w")
    with lock:
        with _writing_in(data_dir):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StartError(f"{data_dir} is in use by another run; stop it, or set DATA_DIR") from None
        yield


def _run(settings: EmbeddedSettings, started_at: float) -> None:
    data_dir = settings.data_dir.absolute()
    with _only_one(data_dir):
        with _writing_in(data_dir):
            installation = installation_in(data_dir)
        installation.check_media_url(settings.media_url)
        plans = plan(settings, installation, data_dir)
        if taken := taken_ports(plans):
            named = ", ".join(f"{each.port} ({each.name.upper()}_PORT)" for each in taken)
            raise StartError(f"These ports are in use: {named}. Free them, or set the variables named.")
        with _writing_in(data_dir):
            keep_media_url(data_dir, settings.media_url)
        supervisor = Supervisor(plans, data_dir / "logs")
        with _explaining_a_full_disk(data_dir):
            supervisor.fork()
        asyncio.run(_supervise(settings, supervisor, started_at))


async def _supervise(settings: EmbeddedSettings, supervisor: Supervisor, started_at: float) -> None:
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    watching = asyncio.create_task(watch(settings.data_dir.absolute()))
    try:
        await _until(stopped, _start(settings, supervisor, started_at))
        await stopped.wait()
    finally:
        watching.cancel()
        sys.stdout.write("\nStopping …\n")
        await supervisor.stop()


async def _start(settings: EmbeddedSettings, supervisor: Supervisor, started_at: float) -> None:
    data_dir = settings.data_dir.absolute()
    with _explaining_a_full_disk(data_dir):
        await supervisor.start()
        if settings.demo and not (state := DemoState.in_folder(data_dir)).is_done:
            # The demo's synthesiser takes as long to import as everything else, and is needed once.
            from embedded.first_start import put_demo_in

            await put_demo_in(settings, state)
    sys.stdout.write(welcome(settings))
    sys.stdout.write(f"Ready in {time.monotonic() - started_at:.1f} s\n")
    sys.stdout.flush()


async def _until(stopped: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends, or until SIGINT or SIGTERM."""
    working = asyncio.ensure_future(work)
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not working.done():
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return
    await working


def main() -> int:
    """The exit status: 0 after Ctrl-C, 1 when it cannot run."""
    started_at = time.monotonic()
    try:
        _run(EmbeddedSettings(), started_at)
    except KeyboardInterrupt:  # after all processes have ended
        return 0
    except ValidationError as failure:
        sys.stderr.write(explain(failure))
        return 1
    except MovedError as failure:
        sys.stderr.write(f"{failure}. To start over, set another DATA_DIR.\n")
        return 1
    except StartError as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0
