"""Starts the local cloud on a free port, as a thread of the test run, on a real socket."""

import base64
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from embedded.cloud.app import create_cloud
from embedded.cloud.settings import CloudSettings

START_TIMEOUT_SECONDS = 60
FRONTEND_API = "clerk.local.test"


def fresh_settings(data_dir: Path, port: int, **changes: Any) -> CloudSettings:
    """Keys of no one, made now."""
    settings: dict[str, Any] = {
        "data_dir": data_dir,
        "public_url": f"http://127.0.0.1:{port}",
        "clerk_secret_key": f"sk_test_{secrets.token_hex(16)}",
        "clerk_publishable_key": "pk_test_" + base64.b64encode(f"{FRONTEND_API}$".encode()).decode(),
        "cloud_name": "local",
        "cloudinary_api_key": secrets.token_hex(8),
        "cloudinary_api_secret": secrets.token_hex(16),
        "recombee_database_id": "music-local",
        "recombee_private_token": secrets.token_hex(16),
        "default_authorized_party": "http://localhost:3000",
        **changes,
    }
    return CloudSettings(**settings)


def free_socket() -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    return listening


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Blocks. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("What a test waits for did not happen")
        time.sleep(0.02)


@contextmanager
def running_cloud(data_dir: Path, **changes: Any) -> Iterator[CloudSettings]:
    """The settings of a cloud that responds at `public_url` until the end of the block."""
    listening = free_socket()
    settings = fresh_settings(data_dir, listening.getsockname()[1], **changes)
    server = uvicorn.Server(
        uvicorn.Config(create_cloud(settings), log_level="warning", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="local-cloud")
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        if not server.started:
            raise RuntimeError("The local cloud did not start")
        yield settings
    finally:
        server.should_exit = True
        thread.join(START_TIMEOUT_SECONDS)
        listening.close()
