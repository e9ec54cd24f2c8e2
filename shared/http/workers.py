"""Worker processes on one listening socket, with aggregated metrics."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from uvicorn import Config
from uvicorn.supervisors import Multiprocess

from shared.metrics import MULTIPROCESS_FOLDER

log = structlog.stdlib.get_logger(__name__)


class Workers(Multiprocess):
    """Starts, watches and stops the workers. This process serves no requests.

    It closes the socket when the workers drain, and drops the gauges of a worker that has ended, such as
    requests in flight.
    """

    def __init__(self, config: Config, sockets: list[socket], metrics_folder: str | None) -> None:
        super().__init__(config, sockets)
        self._metrics_folder = metrics_folder
        self._pids: set[int] = set()

    def terminate_all(self) -> None:
        super().terminate_all()
        for each in self.sockets:
            each.close()

    def keep_subprocess_alive(self) -> None:
        before = self._pids | self._current_pids()
        super().keep_subprocess_alive()
        self._pids = self._current_pids()
        for ended in before - self._pids:
            log.warning("worker ended and was replaced", pid=ended)
            if self._metrics_folder is not None:
                mark_process_dead(ended, self._metrics_folder)  # type: ignore[no-untyped-call]

    def _current_pids(self) -> set[int]:
        return {each.pid for each in self.processes if each.pid is not None}


@contextmanager
def metrics_of_workers(port: int | None, host: str) -> Iterator[str | None]:
    """While this is open, serve the aggregated metrics of workers started in it, if `port` is set.

    Returns the folder of the metric files; it is removed at the end.
    """
    if port is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="music-streaming-metrics-") as folder:
        os.environ[MULTIPROCESS_FOLDER] = folder
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        server, thread = start_http_server(port, host, registry=registry)
        try:
            yield folder
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
            del os.environ[MULTIPROCESS_FOLDER]
