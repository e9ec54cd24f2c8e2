"""Serves an app with uvicorn, with graceful shutdown: no request fails."""

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any, Literal

import uvicorn
from prometheus_client import start_http_server
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics
from shared.http.draining import DRAINING
from shared.http.workers import Workers, metrics_of_workers
from shared.logs import configure_logging, stop_buffering
from shared.settings import ProcessSettings
from shared.tracing import configure_tracing, flush_tracing

KEEP_ALIVE_SECONDS = 75
"""Longer than our clients keep an idle connection, so that the server never closes it first."""

COLLECTION_OBJECTS = 5_000
"""How many more objects there are when garbage is collected. With Python's own 700 that ran every hundred
requests of the gateway, looked at those in flight and found next to nothing.
"""

LEFTOVER_SECONDS = 5.0
"""How long a process may take to exit after shutdown."""


class _ProcessLifespan:
    """Prepares the process when everything is open, and exits soon after everything is closed.

    Objects that exist at the start are left out of garbage collection: a full collection would stop all
    requests for 0.1 s. After shutdown the event loop would wait for pending DNS lookups, for minutes when no
    name server responds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._run(scope, receive, send)
        return self._app(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_act(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                gc.freeze()
                gc.set_threshold(COLLECTION_OBJECTS, *gc.get_threshold()[1:])
            elif message["type"] == "lifespan.shutdown.complete":
                await asyncio.to_thread(flush_tracing)
                stop_buffering()
                _after(LEFTOVER_SECONDS, os._exit, 0)
            await send(message)

        await self._app(scope, receive, send_and_act)


class _Config(uvicorn.Config):
    """Process-wide setup of a serving process, whether it is the only one or one of several workers."""

    def __init__(self, service: str, settings: ProcessSettings, *args: Any, **options: Any) -> None:
        self._service = service
        self._least_level = settings.log_level
        self._drain_seconds = settings.drain_seconds
        self._otlp_endpoint = settings.otel_exporter_otlp_endpoint
        super().__init__(*args, **options)

    def configure_logging(self) -> None:
        """Called where uvicorn would set up its logging: in the parent, and at the start of each worker."""
        configure_logging(self._service, self._least_level)
        super().configure_logging()

    def load(self) -> None:
        """uvicorn loads the app after it has installed its signal handlers."""
        configure_tracing(self._service, self._otlp_endpoint)
        super().load()
        self.loaded_app = _ProcessLifespan(self.loaded_app)
        _drain_before_stopping(self._drain_seconds)


def _drain_before_stopping(seconds: float) -> None:
    """On SIGTERM drain for `seconds`, with 503 from /readyz; then call the previous handler."""
    stop = signal.getsignal(signal.SIGTERM)
    if not callable(stop):
        raise TypeError("The server handles SIGTERM")

    def drain(sig: int, frame: FrameType | None) -> None:
        if DRAINING.begun or seconds == 0:
            stop(sig, frame)
        else:
            _after(seconds, stop, sig, frame)
        DRAINING.begun = True
        _after(0, stop_buffering)  # not here: the interrupted code may be writing

    signal.signal(signal.SIGTERM, drain)


def _after(seconds: float, call: Callable[..., object], *arguments: object) -> None:
    timer = threading.Timer(seconds, call, arguments)
    timer.daemon = True
    timer.start()


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

    Several workers each build their own and share nothing but the listening socket. Their metrics are summed.
    """
    config = _Config(
        service,
        settings,
        factory,
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
        with metrics_of_workers(settings.metrics_port, settings.host) as folder:
            Workers(config, [config.bind_socket()], folder).run()
        return
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, settings.host, registry=metrics.REGISTRY)
    uvicorn.Server(config).run()
