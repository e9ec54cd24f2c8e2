"""A local Recombee on a free port in a thread of its own, and the real SDK pointed at it."""

import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from recombee_api_client.api_client import RecombeeClient
from recombee_api_client.api_requests import Batch
from recombee_api_client.exceptions import ResponseException
from starlette.applications import Starlette

from embedded.cloud.recombee.app import Recombee
from embedded.cloud.settings import CloudSettings

START_SECONDS = 60.0


def settings_in(folder: Path, *, token: str | None = None) -> CloudSettings:
    return CloudSettings(
        data_dir=folder,
        public_url="http://127.0.0.1",
        clerk_secret_key=secrets.token_hex(),
        clerk_publishable_key="",
        cloud_name="local",
        cloudinary_api_key="1",
        cloudinary_api_secret=secrets.token_hex(),
        recombee_database_id="music-test",
        recombee_private_token=token or secrets.token_hex(),
        default_authorized_party="http://127.0.0.1",
    )


def app_of(settings: CloudSettings) -> Starlette:
    recombee = Recombee(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with recombee:
            yield

    return Starlette(routes=recombee.routes, lifespan=lifespan)


@dataclass(frozen=True)
class RecombeeService:
    """`client` is the SDK's; every `send` here is a request over a real socket."""

    host: str
    settings: CloudSettings
    client: Any

    def send(self, request: Any) -> Any:
        return self.client.send(request)

    def batch(self, *requests: Any, distinct_recomms: bool | None = None) -> list[Any]:
        """The response to a batch: {"code", "json"} for each request."""
        batch = Batch(list(requests), distinct_recomms=distinct_recomms)
        batch.ensure_https = False
        responses: list[Any] = self.client.send(batch)
        return responses

    def status(self, request: Any) -> int:
        """The status of a request that may be refused."""
        try:
            self.client.send(request)
        except ResponseException as refused:
            return int(refused.status_code)
        return 200

    def recommended(self, request: Any) -> list[str]:
        return [entry["id"] for entry in self.client.send(request)["recomms"]]


def client_of(host: str, settings: CloudSettings, *, token: str | None = None) -> Any:
    return RecombeeClient(
        settings.recombee_database_id,
        token or settings.recombee_private_token,
        protocol="http",
        options={"base_uri": host},
    )


@contextmanager
def running_recombee(settings: CloudSettings) -> Iterator[RecombeeService]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(app_of(settings), log_level="warning", ws="none", timeout_graceful_shutdown=5)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            deadline = time.monotonic() + START_SECONDS
            while not server.started and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.005)
            assert server.started
            yield RecombeeService(host, settings, client_of(host, settings))
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)
