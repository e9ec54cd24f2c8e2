"""Several workers in one process tree: logs and metrics are those of one service."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway of two workers."""

    process: subprocess.Popen[bytes]
    port: int
    metrics_port: int

    def send_request(self, request_id: str = "") -> None:
        """For a path that it refuses itself; each time on a new connection."""
        headers = {"X-Request-ID": request_id}
        assert (
            httpx.get(f"http://127.0.0.1:{self.port}/nowhere", headers=headers, timeout=30).status_code == 404
        )

    def metrics(self) -> list[Sample]:
        text = httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=30).text
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def requests(self) -> float:
        return sum(each.value for each in self.metrics() if each.name == "http_requests_total")

    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {pid for pid in map(int, children.split()) if b"spawn_main" in _command_of(pid)}


def _command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def two_workers(log_file: Path, **variables: str) -> Iterator[Running]:
    """A gateway of two workers, until it was stopped."""
    port = _free_port()
    nowhere = {f"{name}_SERVICE_URL": "http://127.0.0.1:9" for name in ("USER", "SONG", "ALBUM")}
    origins = {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "FRONTEND_ORIGINS": "http://a.test",
        "PORT": str(port),
        "WORKERS": "2",
    }
    with log_file.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "api_gateway.main"],
            cwd=PROJECT,
            env={**os.environ, **nowhere, **origins, **variables},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        try:
            _until(lambda: _is_ready(port))
            yield Running(process, port, int(variables.get("METRICS_PORT", 0)))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            finally:
                process.kill()


def said_by_workers(log_file: Path, **variables: str) -> list[str]:
    """What a gateway of two workers wrote while it served two requests, and was stopped."""
    with two_workers(log_file, **variables) as running:
        for number in range(2):
            running.send_request(f"asked-{number}")
    return log_file.read_text().splitlines()


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=2).is_success
    except httpx.TransportError:
        return False


def test_worker_log_lines_are_json(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in said_by_workers(tmp_path / "log")]
    assert {line["service"] for line in lines} == {"api-gateway"}
    requested = [line for line in lines if line["event"] == "request"]
    assert {line["requestId"] for line in requested} == {"asked-0", "asked-1"}


def test_workers_use_the_configured_log_level(tmp_path: Path) -> None:
    assert said_by_workers(tmp_path / "log", LOG_LEVEL="error") == []


def test_metrics_of_workers_are_summed(tmp_path: Path) -> None:
    folders = tmp_path / "tmp"
    folders.mkdir()
    variables = {"METRICS_PORT": str(_free_port()), "TMPDIR": str(folders)}
    with two_workers(tmp_path / "log", **variables) as running:
        for _ in range(20):
            running.send_request()
        _until(lambda: running.requests() == 20)
        (in_flight,) = [each for each in running.metrics() if each.name == "http_requests_in_flight"]
        assert (in_flight.labels, in_flight.value) == ({"service": "api-gateway"}, 0)
        assert len(list(folders.iterdir())) == 1
    assert list(folders.iterdir()) == []


def test_metrics_survive_the_end_of_a_worker(tmp_path: Path) -> None:
    with two_workers(tmp_path / "log", METRICS_PORT=str(_free_port())) as running:
        for _ in range(10):
            running.send_request()
        _until(lambda: running.requests() == 10)  # a request is counted after its response was sent
        ended = running.workers()
        assert len(ended) == 2
        for pid in ended:
            os.kill(pid, signal.SIGKILL)
        _until(lambda: len(running.workers() - ended) == 2 and _is_ready(running.port))
        running.send_request()
        _until(lambda: running.requests() == 11)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    replaced = [line for line in lines if line["event"] == "worker ended and was replaced"]
    assert {(line["pid"], line["level"]) for line in replaced} == {(pid, "warning") for pid in ended}
