"""Running an app under uvicorn so that it can be stopped without failing a request."""

import signal
import threading
from types import FrameType

import uvicorn
from prometheus_client import start_http_server
from uvicorn.supervisors import Multiprocess

from shared import metrics
from shared.settings import ProcessSettings
from shared.web import configure_logging

KEEP_ALIVE_SECONDS = 75
"""Longer than any client of ours keeps an idle connection, so that it is never the server who hangs up."""


class Draining:
    """Whether this process has been told to stop. `/readyz` says so before the listening socket closes."""

    def __init__(self) -> None:
        self.begun = False


DRAINING = Draining()


class _Server(uvicorn.Server):
    """On SIGTERM: say 503 on /readyz for `drain_seconds`, then take nothing new, finish, end."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if DRAINING.begun or sig != signal.SIGTERM or self._drain_seconds == 0:
            DRAINING.begun = True
            super().handle_exit(sig, frame)
            return
        DRAINING.begun = True
        end = threading.Timer(self._drain_seconds, super().handle_exit, (sig, frame))
        end.daemon = True
        end.start()


def serve(factory: str, service: str, settings: ProcessSettings, *, date_header: bool = True) -> None:
    """Serve the app that `factory` ("package.module:function") builds, until SIGTERM or SIGINT.

    Several workers each build their own and share nothing but the listening socket; they end on SIGTERM
    without draining first, so what routes to them has to stop before (Kubernetes: the preStop sleep).
    """
    configure_logging(service, settings.log_level)
    config = uvicorn.Config(
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
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        lifespan="on",
    )
    if settings.workers > 1:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
        return
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, settings.host, registry=metrics.REGISTRY)
    _Server(config, settings.drain_seconds).run()
