"""The local cloud as a process of its own."""

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.cloud.running import free_socket, wait_until

PROJECT = Path(__file__).parents[2]
STOP_TIMEOUT_SECONDS = 30


def environment(data_dir: Path) -> dict[str, str]:
    with free_socket() as free:
        port = free.getsockname()[1]
    return {
        "PORT": str(port),
        "CLOUD_DATA_DIR": str(data_dir),
        "CLOUD_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CLOUD_DEFAULT_PARTY": "http://localhost:3000",
        "CLERK_SECRET_KEY": f"sk_test_{secrets.token_hex(16)}",
        "CLERK_PUBLISHABLE_KEY": "pk_test_" + base64.b64encode(b"clerk.local.test$").decode(),
        "CLOUDINARY_CLOUD_NAME": "local",
        "CLOUDINARY_API_KEY": secrets.token_hex(8),
        "CLOUDINARY_API_SECRET": secrets.token_hex(16),
        "RECOMBEE_DATABASE_ID": "music-local",
        "RECOMBEE_PRIVATE_TOKEN": secrets.token_hex(16),
    }


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[bytes]
    url: str
    cloudinary_options: dict[str, Any]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_SECONDS)


@contextmanager
def started(env: dict[str, str], command: Sequence[str] = ()) -> Iterator[Running]:
    """The cloud as a process, behind `command`, until the end of the block."""
    url = env["CLOUD_PUBLIC_URL"]
    process = subprocess.Popen(
        [*command, sys.executable, "-m", "embedded.cloud"], cwd=PROJECT, env={**os.environ, **env}
    )
    try:
        wait_until(lambda: process.poll() is not None or responses(url))
        options = {
            "cloud_name": env["CLOUDINARY_CLOUD_NAME"],
            "api_key": env["CLOUDINARY_API_KEY"],
            "api_secret": env["CLOUDINARY_API_SECRET"],
            "upload_prefix": url,
            "timeout": 60,
        }
        yield Running(process, url, options)
    finally:
        process.kill()
        process.wait(STOP_TIMEOUT_SECONDS)


def responses(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", timeout=30).status_code == 200
    except httpx.TransportError:
        return False
