"""Running an app under uvicorn so that it can be stopped without failing a request."""

import asyncio
import os
import signal
import socket
import threading
from types import FrameType
from typing import Any, Literal

import uvicorn
from prometheus_client import start_http_server
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.importer import import_from_string
from uvicorn.supervisors import Multiprocess

from shared import metrics
from shared.settings import ProcessSettings
from shared.web import configure_logging

KEEP_ALIVE_SECONDS = 75
"""Longer than any client of ours keeps an idle connection, so that it is never the server who hangs up."""

LEFTOVER_SECONDS = 5.0
"""How long a process that has shut down may take to end."""


class Draining:
    """Whether this process has been told to stop. `/readyz` says so before the listening socket closes."""

    def __init__(self) -> None:
        self.begun = False


DRAINING = Draining()


class PartingWhenDraining:
    """Ends each connection with the answer on it once the process was told to stop.

    Clients go to another replica then. One that keeps an idle connection for less than `drain_seconds` holds
    none when the server closes, so that no request meets a closing connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_part(message: Message) -> None:
            if DRAINING.begun and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, send_and_part if scope["type"] == "http" else send)


class _Config(uvicorn.Config):
    """Sets up our logs where uvicorn would set up its own: in the parent, and at the start of each worker."""

    def __init__(self, service: str, least_level: str, *args: Any, **options: Any) -> None:
        self._service = service
        self._least_level = least_level
        super().__init__(*args, **options)

    def configure_logging(self) -> None:
        configure_logging(self._service, self._least_level)
        super().configure_logging()


class _Server(uvicorn.Server):
    """On SIGTERM: say 503 on /readyz and part with clients for `drain_seconds`; then finish and end."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Everything is closed after this. What may still keep the process are lookups of names: nobody waits
        for them any more, but the event loop would, for minutes when no name server answers."""
        await super().shutdown(sockets)
        end = threading.Timer(LEFTOVER_SECONDS, os._exit, (0,))
        end.daemon = True
        end.start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if DRAINING.begun or sig != signal.SIGTERM or self._drain_seconds == 0:
            DRAINING.begun = True
            super().handle_exit(sig, frame)
            return
        DRAINING.begun = True
        end = threading.Timer(self._drain_seconds, super().handle_exit, (sig, frame))
        end.daemon = True
        end.start()


def serve(
    factory: str,
    service: str,
    settings: ProcessSettings,
    *,
    date_header: bool = True,
    http: type[asyncio.Protocol] | Literal["auto"] = "auto",
    keep_alive_seconds: int = KEEP_ALIVE_SECONDS,
) -> None:
    """Serve the app that `factory` ("package.module:function") builds, until SIGTERM or SIGINT.

    `http` is the protocol that reads requests, uvicorn's own unless another is given. Idle connections are
    kept for `keep_alive_seconds`.

    Several workers each build their own and share nothing but the listening socket; they end on SIGTERM
    without draining first, so what routes to them has to stop before (Kubernetes: the preStop sleep).
    """
    config = _Config(
        service,
        settings.log_level,
        factory if settings.workers > 1 else lambda: PartingWhenDraining(import_from_string(factory)()),
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=date_header,
        timeout_keep_alive=keep_alive_seconds,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        lifespan="on",
        http=http,
    )
    if settings.workers > 1:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
        return
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, settings.host, registry=metrics.REGISTRY)
    _Server(config, settings.drain_seconds).run()
