"""Several workers in one process tree: each writes its logs as a single process does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).parents[2]
START_SECONDS = 60.0


def said_by_workers(log_file: Path, **told: str) -> list[str]:
    """What a gateway of two workers wrote while it answered two requests, and was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    nowhere = {f"{name}_SERVICE_URL": "http://127.0.0.1:9" for name in ("USER", "SONG", "ALBUM")}
    origins = {"FRONTEND_ORIGINS": "http://a.test", "PORT": str(port), "WORKERS": "2"}
    with log_file.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "api_gateway.main"],
            cwd=PROJECT,
            env={**os.environ, **nowhere, **origins, **told},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _is_ready(port):
                assert time.monotonic() < deadline, log_file.read_text()
                time.sleep(0.1)
            for number in range(2):
                headers = {"X-Request-ID": f"asked-{number}"}
                assert httpx.get(f"http://127.0.0.1:{port}/nowhere", headers=headers).status_code == 404
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            finally:
                process.kill()
    return log_file.read_text().splitlines()


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=2).is_success
    except httpx.TransportError:
        return False


def test_each_line_of_each_worker_is_json_of_the_service(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in said_by_workers(tmp_path / "log")]
    assert {line["service"] for line in lines} == {"api-gateway"}
    asked = [line for line in lines if line["event"] == "request"]
    assert {line["requestId"] for line in asked} == {"asked-0", "asked-1"}


def test_workers_log_from_the_level_that_was_set(tmp_path: Path) -> None:
    assert said_by_workers(tmp_path / "log", LOG_LEVEL="error") == []
