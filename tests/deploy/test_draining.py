"""Connection draining: a stopping process ends its connections before it closes its socket."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]


@pytest.fixture(params=["1", "2"], ids=["one process", "two workers"])
def gateway(request: pytest.FixtureRequest) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A gateway that drains for four seconds, over services that are not there."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    nowhere = {f"{name}_SERVICE_URL": "http://127.0.0.1:9" for name in ("USER", "SONG", "ALBUM")}
    origins = {"REDIS_URL": "redis://127.0.0.1:1/0", "FRONTEND_ORIGINS": "http://a.test"}
    variables = {**nowhere, **origins, "PORT": str(port), "DRAIN_SECONDS": "4", "WORKERS": request.param}
    process = subprocess.Popen(
        [sys.executable, "-m", "api_gateway.main"],
        cwd=PROJECT,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{address}/livez", timeout=30)
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield address, process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_draining_process_serves_and_closes_connections(
    gateway: tuple[str, "subprocess.Popen[bytes]"],
) -> None:
    address, process = gateway
    with httpx.Client(base_url=address, timeout=30) as client:
        before = client.get("/readyz")
        assert (before.status_code, before.headers.get("connection")) == (200, None)
        process.send_signal(signal.SIGTERM)
        while (ready := client.get("/readyz")).status_code == 200:
            time.sleep(0.01)
        assert (ready.status_code, ready.headers["connection"]) == (503, "close")
        alive = client.get("/livez")
        assert (alive.status_code, alive.headers["connection"]) == (200, "close")
    # uvicorn ends itself with the signal that stopped it.
    assert process.wait(30) in (0, -signal.SIGTERM)


def takes_connections(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=30).close()
    except ConnectionRefusedError:
        return False
    return True


def test_stopping_process_accepts_no_new_connections(
    gateway: tuple[str, "subprocess.Popen[bytes]"],
) -> None:
    """Otherwise it would wait forever in the backlog."""
    address, process = gateway
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as unfinished:
        unfinished.sendall(b"POST /api/songs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
        assert httpx.get(f"{address}/livez", timeout=30).is_success
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while takes_connections(host, int(port)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert process.poll() is None
        unfinished.sendall(b"}")
        assert unfinished.recv(1000).startswith(b"HTTP/1.1 503 ")
