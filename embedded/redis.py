"""Redis for the embedded system: the machine's own redis-server, else fakeredis's TCP server.

It is a cache, and keeps nothing over a restart.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from types import FrameType

PORT = "REDIS_PORT"
MOST_MEMORY = "64mb"
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _serve_real(server: str, port: int) -> int:
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    memory = ["--maxmemory", MOST_MEMORY, "--maxmemory-policy", "allkeys-lru"]
    process = subprocess.Popen(  # noqa: S603 - the program is the machine's own, the arguments ours
        [server, *options, *memory],
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        process.terminate()

    signal.signal(signal.SIGTERM, stop)
    code = process.wait()
    if code < 0:
        _end_by(-code)
    return code


def _end_by(number: int) -> None:
    """End as the server did, so that the supervisor reports the signal."""
    with suppress(OSError):  # SIGKILL has no handler
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _serve_fake(port: int) -> int:
    from fakeredis import TcpFakeServer

    server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    server.daemon_threads = True

    def stop(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()
    return 0


def real_server() -> str | None:
    """The machine's redis-server, unless `EMBEDDED_FAKE_REDIS` forbids it."""
    return None if os.environ.get("EMBEDDED_FAKE_REDIS") else shutil.which("redis-server")


def run() -> None:
    """Serve until SIGTERM."""
    port = int(os.environ[PORT])
    server = real_server()
    raise SystemExit(_serve_real(server, port) if server else _serve_fake(port))
