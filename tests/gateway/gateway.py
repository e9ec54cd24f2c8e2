"""The gateway under test: in this process, or in one of its own."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from api_gateway import wiring
from api_gateway.app import create_app
from api_gateway.downstream.protocol import HttpProtocol
from api_gateway.settings import Settings
from shared.http.serve import KEEP_ALIVE_SECONDS

FRONT_END = "http://localhost:5173"
NO_REDIS = "redis://127.0.0.1:1/0"
"""Nobody listens there, so that nothing is cached."""


def settings_for(url: str, **changed: object) -> Settings:
    """Settings where all three services are at `url`, and `changed`."""
    given: dict[str, object] = {
        "user_service_url": url,
        "song_service_url": url,
        "album_service_url": url,
        "frontend_origins": FRONT_END,
        "redis_url": NO_REDIS,
    }
    return Settings.model_validate({**given, **changed})


@asynccontextmanager
async def serving(app: ASGIApp, protocol: type[HttpProtocol]) -> AsyncIterator[int]:
    """uvicorn on a free port, without the pauses of its graceful end; yields the port."""
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        http=protocol,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    listener = socket.create_server(("127.0.0.1", 0))
    await server.startup(sockets=[listener])
    try:
        yield listener.getsockname()[1]
    finally:
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        running = list(server.server_state.tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.lifespan.shutdown()


@asynccontextmanager
async def gateway_speaking(
    protocol: type[HttpProtocol], service_port: int, **changed: object
) -> AsyncIterator[int]:
    """The gateway before one service that plays all three; yields its port."""
    settings = settings_for(f"http://127.0.0.1:{service_port}", **changed)
    async with serving(create_app(wiring.production(settings), settings.frontend_origins), protocol) as port:
        yield port


def gateway(service_port: int, **changed: object) -> AbstractAsyncContextManager[int]:
    """The gateway as it is, before one service that plays all three; yields its port."""
    return gateway_speaking(HttpProtocol, service_port, **changed)


class GatewayProcess:
    """The gateway as it is started in production."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    @property
    def resident_bytes(self) -> int:
        """Memory that it occupies now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    @property
    def most_resident_bytes(self) -> int:
        """The most that it ever occupied."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024


@asynccontextmanager
async def gateway_process(service_port: int, **environment: str) -> AsyncIterator[GatewayProcess]:
    """`python -m api_gateway.main` on a free port, ended with SIGTERM."""
    url = f"http://127.0.0.1:{service_port}"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api_gateway.main",
        env={
            "PATH": os.environ["PATH"],
            "PORT": "0",
            "USER_SERVICE_URL": url,
            "SONG_SERVICE_URL": url,
            "ALBUM_SERVICE_URL": url,
            "FRONTEND_ORIGINS": FRONT_END,
            "REDIS_URL": NO_REDIS,
            **environment,
        },
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    drain: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(30):
            while not (
                found := re.search(rb"running on http://127.0.0.1:(\d+)", await process.stdout.readline())
            ):
                assert process.returncode is None
        drain = asyncio.create_task(process.stdout.read())
        yield GatewayProcess(process, int(found[1]))
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(30):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if drain is not None:
            await drain
