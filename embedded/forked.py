"""Child processes as forks of the supervisor, which has imported what all of them need.

A process that is started anew imports the same web stack again, which is most of the time that a start takes.
"""

import asyncio
import ctypes
import gc
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import NoReturn, Protocol

from embedded.child import run
from shared.logs import stop_buffering

# Nothing with a thread: only the forking one lives on in a fork.
_SHARED_IMPORTS = (
    "shared.http.serve",
    "shared.http.service_app",
    "shared.http.service_client",
    "shared.infrastructure",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.lifespan.on",
)
_M_ARENA_MAX = -8


class ChildProcess(Protocol):
    """A process that this one started. `returncode` is None while it runs, negative after a signal."""

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


def can_fork() -> bool:
    """Elsewhere libraries of the system do not survive a fork, or an end cannot be waited for."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # an old kernel, or a sandbox
        return False
    return True


def preload() -> None:
    """Import what all processes need."""
    gc.disable()
    for name in _SHARED_IMPORTS:
        import_module(name)
    gc.enable()
    gc.freeze()  # or collections in the forks would copy every page of it


class ForkedProcess:
    """A fork of this process. It ends when the pipe to its standard input closes."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self._pipe = pipe
        self._pidfd = os.pidfd_open(pid)
        self._returncode: int | None = None
        self._ended: asyncio.Future[int] | None = None

    @property
    def returncode(self) -> int | None:
        if self._returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._returncode = os.waitstatus_to_exitcode(status)
        return self._returncode

    async def wait(self) -> int:
        if self._ended is None:
            loop = asyncio.get_running_loop()
            self._ended = loop.create_future()
            loop.add_reader(self._pidfd, self._end, loop, self._ended)
        return await asyncio.shield(self._ended)

    def _end(self, loop: asyncio.AbstractEventLoop, ended: "asyncio.Future[int]") -> None:
        loop.remove_reader(self._pidfd)
        for descriptor in (self._pidfd, self._pipe):
            os.close(descriptor)
        if (code := self.returncode) is not None:
            ended.set_result(code)

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)


def fork(name: str, log_path: Path, environment: Mapping[str, str]) -> ForkedProcess:
    """Run the process of this name. To be called before there is a thread or an event loop.

    Raises:
        OSError: the log cannot be opened.
    """
    with log_path.open("ab") as log:
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _be_child(name, reading, log.fileno(), environment)
        os.close(reading)
    return ForkedProcess(pid, writing)


def _be_child(name: str, stdin: int, log: int, environment: Mapping[str, str]) -> NoReturn:
    code = 1
    try:
        os.setpgid(0, 0)
        os.dup2(stdin, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        # Among them the pipes to other children, which would not notice the end of the supervisor.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.environ.clear()
        os.environ.update(environment)
        _apply(environment)
        run(name)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 - as the interpreter does it
        traceback.print_exc()
    finally:
        stop_buffering()  # log lines: functions of atexit do not run
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _apply(environment: Mapping[str, str]) -> None:
    """What is read from the environment when a program starts."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr] # they are those of the interpreter
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "mallopt"):
        c_library.mallopt(_M_ARENA_MAX, int(environment["MALLOC_ARENA_MAX"]))
