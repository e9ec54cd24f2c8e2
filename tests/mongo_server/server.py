"""Starts and stops the MongoDB test server that `build.sh` makes."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

BUILT_SERVER = Path(__file__).resolve().parents[2] / ".bin" / "mongo_server"
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 30.0
JVM_OPTIONS = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


class MongoServerStartError(RuntimeError):
    """The built server did not start; the message carries what it wrote to its log."""


@dataclass(frozen=True)
class MongoServer:
    """A running server. It listens on 127.0.0.1 only and ends with the process that started it."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/"

    def kill(self) -> None:
        """End it as a crash would: SIGKILL. Writes of about the last second are lost (MongoDB keeps them)."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_SECONDS)

    def stop(self) -> None:
        """End it cleanly, with everything on disk. Does nothing when it has ended already."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()


def missing() -> str | None:
    """Why the built server cannot be used on this machine, or None when it can."""
    if not (BUILT_SERVER / "built_from").is_file():
        return "not built: run tests/mongo_server/build.sh"
    if shutil.which("java") is None:
        return "built, but java is not installed"
    return None


def name() -> str:
    """Which server this is, with its version, e.g. for a test report's header."""
    core = next((BUILT_SERVER / "lib").glob("mongo-java-server-core-*.jar"))
    return f"{core.stem.replace('-core-', ' ')} (H2 file) built by tests/mongo_server/build.sh"


@contextmanager
def start(data_dir: Path, port: int = 0) -> Iterator[MongoServer]:
    """A server on `port` (0: a free one) with its data in `data_dir`, responding when the block begins.

    Starting again on the same directory and port is a restart.
    Raises `MongoServerStartError`, and nothing is left running then.
    """
    log = data_dir / "mongo_server.log"
    command = [
        "java",
        *JVM_OPTIONS,
        "-cp",
        os.pathsep.join((str(BUILT_SERVER / "classes"), str(BUILT_SERVER / "lib" / "*"))),
        "MongoTestServer",
        str(data_dir / "mongo.mv"),
        str(port),
    ]
    with log.open("ab") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    server = MongoServer(0, process)
    try:
        server = MongoServer(_announced_port(process, log), process)
        _wait_until_up(server, log)
        yield server
    finally:
        server.stop()


def _announced_port(process: subprocess.Popen[bytes], log: Path) -> int:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_SECONDS)
    line = process.stdout.readline() if readable else b""
    if not line.strip().isdigit():
        raise MongoServerStartError(f"it announced no port; its log: {log.read_text()[-2000:]}")
    return int(line)


def _wait_until_up(server: MongoServer, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    with pymongo.MongoClient[dict[str, object]](server.uri, serverSelectionTimeoutMS=2000) as client:
        while True:
            try:
                client.admin.command("ping")
            except PyMongoError as error:
                if server.process.poll() is not None or time.monotonic() > deadline:
                    raise MongoServerStartError(f"{error}; its log: {log.read_text()[-2000:]}") from error
            else:
                return
