"""Starts the processes of the embedded system, restarts one that dies, and stops them all."""

import asyncio
import errno
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from embedded.forked import ChildProcess, can_fork, fork, preload
from embedded.log_files import log_file, rotate
from embedded.plan import ProcessPlan
from embedded.restart_pause import RestartPause

READY_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 12.0
CHECK_LOGS_SECONDS = 60.0

# Threads of the C library would otherwise each keep memory of their own.
_TUNING = {
    "PYTHONUNBUFFERED": "1",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class StartError(Exception):
    """The system cannot run; the text says why, for people."""


def taken_ports(plans: Sequence[ProcessPlan]) -> list[ProcessPlan]:
    """Those whose port somebody listens on already.

    Raises:
        StartError: a port cannot be taken for another reason.
    """
    taken = []
    for each in plans:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", each.port))
            except OSError as failure:
                if failure.errno != errno.EADDRINUSE:
                    name = f"{each.name.upper()}_PORT"
                    raise StartError(f"{name} cannot be {each.port}: {failure.strerror}") from None
                taken.append(each)
    return taken


def child_environment(inherited: Mapping[str, str], plan: ProcessPlan) -> dict[str, str]:
    """The environment of a process. Calls between the processes bypass proxies, whose variables the SDKs
    read.
    """
    direct = [inherited.get("no_proxy"), inherited.get("NO_PROXY"), "127.0.0.1,localhost"]
    no_proxy = ",".join(each for each in direct if each)
    return {**inherited, **_TUNING, "no_proxy": no_proxy, "NO_PROXY": no_proxy, **plan.environment}


async def _accepts_connections(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
    except OSError:
        return False
    return True


def how_it_ended(code: int) -> str:
    """An exit code, negative after a signal, as people read it."""
    if code >= 0:
        return f"ended with {code}"
    try:
        return f"was killed ({signal.Signals(-code).name})"
    except ValueError:  # a real-time signal
        return f"was killed (signal {-code})"


class Supervisor:
    """The processes of `plans`, with a log file each in `log_dir`."""

    def __init__(self, plans: Sequence[ProcessPlan], log_dir: Path) -> None:
        self._plans = plans
        self._log_dir = log_dir
        self._running: dict[str, ChildProcess] = {}
        self._log_starts: dict[str, int] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._is_stopping = False

    def fork(self) -> None:
        """Begin to start all of them as forks, where that is possible; to be called before `start`.

        Raises:
            OSError: a log cannot be written.
        """
        if not can_fork():
            return
        preload()
        self._log_dir.mkdir(parents=True, exist_ok=True)
        for plan in self._plans:
            path = self._begin_log(plan)
            self._running[plan.name] = fork(plan.name, path, child_environment(os.environ, plan))

    async def start(self) -> None:
        """Start those that do not run yet and wait until each is ready.

        Raises:
            StartError: one does not, in time, or ends.
        """
        self._log_dir.mkdir(parents=True, exist_ok=True)
        await asyncio.gather(*(self._spawn(each) for each in self._plans if each.name not in self._running))
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        async with httpx.AsyncClient(timeout=2, trust_env=False, verify=False) as http:  # noqa: S501 - loopback
            await asyncio.gather(*(self._until_ready(http, each, deadline) for each in self._plans))
        self._watchers = [
            *(asyncio.create_task(self._keep_running(each)) for each in self._plans),
            asyncio.create_task(self._keep_logs_short()),
        ]

    def _begin_log(self, plan: ProcessPlan) -> Path:
        path = log_file(self._log_dir, plan.name)
        rotate(path)
        self._log_starts[plan.name] = path.stat().st_size if path.exists() else 0
        return path

    async def _spawn(self, plan: ProcessPlan) -> None:
        path = await asyncio.to_thread(self._begin_log, plan)
        with path.open("ab") as log:
            self._running[plan.name] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "embedded.child",
                plan.name,
                stdin=PIPE,
                stdout=log,
                stderr=log,
                env=child_environment(os.environ, plan),
                # Out of reach of Ctrl-C, which is for the supervisor; in its session, or nice would not help.
                process_group=0,
            )

    async def _until_ready(self, http: httpx.AsyncClient, plan: ProcessPlan, deadline: float) -> None:
        while not await self._is_ready(http, plan):
            if self._running[plan.name].returncode is not None:
                raise StartError(f"{plan.name} ended while starting:\n{self._last_log_lines(plan)}")
            if time.monotonic() > deadline:
                raise StartError(f"{plan.name} does not respond:\n{self._last_log_lines(plan)}")
            await asyncio.sleep(0.05)

    async def _is_ready(self, http: httpx.AsyncClient, plan: ProcessPlan) -> bool:
        # httpx takes six times as long to be refused, while the processes that start need the processor.
        if not await _accepts_connections(plan.port):
            return False
        if plan.ready_path is None:
            return True
        try:
            response = await http.get(f"http://127.0.0.1:{plan.port}{plan.ready_path}")
        except httpx.HTTPError:
            return False
        return response.is_success

    def _last_log_lines(self, plan: ProcessPlan) -> str:
        """Those of this start: the file holds earlier ones as well."""
        path = log_file(self._log_dir, plan.name)
        written = path.read_bytes()[self._log_starts[plan.name] :]
        lines = written.decode(errors="replace").splitlines()[-12:]
        return "\n".join([*(f"  {line}" for line in lines), f"  (all of it: {path})"])

    async def _keep_running(self, plan: ProcessPlan) -> None:
        pause = RestartPause()
        while True:
            started_at = time.monotonic()
            code = await self._running[plan.name].wait()
            if self._is_stopping:
                return
            sys.stderr.write(f"{plan.name} {how_it_ended(code)}; starting it again\n")
            await self._start_again(plan, pause, time.monotonic() - started_at)

    async def _start_again(self, plan: ProcessPlan, pause: RestartPause, lived_seconds: float) -> None:
        while True:
            await asyncio.sleep(pause.after(lived_seconds))
            try:
                await self._spawn(plan)
            except OSError as failure:
                sys.stderr.write(f"{plan.name} cannot be started: {failure}; trying again\n")
                lived_seconds = 0
            else:
                return

    async def _keep_logs_short(self) -> None:
        while True:
            await asyncio.sleep(CHECK_LOGS_SECONDS)
            for plan in self._plans:
                try:
                    await asyncio.to_thread(rotate, log_file(self._log_dir, plan.name))
                except OSError as failure:
                    sys.stderr.write(f"{plan.name}.log stays long: {failure}\n")

    async def stop(self) -> None:
        """Stop all of them, callers before the services that they call."""
        self._is_stopping = True
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for names in (("gateway",), ("user", "song", "album"), ("cloud", "redis")):
            await asyncio.gather(*(self._end(self._running[name]) for name in names if name in self._running))

    async def _end(self, process: ChildProcess) -> None:
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
