"""Kept-alive connections to one server."""

import asyncio
from typing import Final
from urllib.parse import urlsplit

import httpx

from shared.http.client.connection import UpstreamConnection
from shared.http.client.errors import ConnectError
from shared.http.write_batch import WriteBatch

# Below the servers' own idle timeout (75 s, shared/http/serve.py), or a request would meet a connection
# that is being closed.
IDLE_CONNECTION_SECONDS: Final = 15.0

_GRACE_ITERATIONS: Final = 10
"""Of the event loop after the timeout. When this process is late, timers expire before the loop has looked
at connections that were made long ago, and failures of its own would open the circuit breaker."""


class ConnectionPool:
    """Connections to the server at `url` (http[s]://host[:port]). Their number is not limited. Create and
    close it inside a running event loop.

    With TLS, certificates are verified against certifi's list, or that of `SSL_CERT_FILE`.
    """

    def __init__(
        self, url: str, connect_seconds: float, idle_connection_seconds: float = IDLE_CONNECTION_SECONDS
    ) -> None:
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        self.authority = parts.netloc.encode("ascii")
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if is_secure else 80)
        self._ssl = httpx.create_ssl_context() if is_secure else None
        self._connect_seconds = connect_seconds
        self._idle_connection_seconds = idle_connection_seconds
        self._loop = asyncio.get_running_loop()
        self._write_batch = WriteBatch()
        self._idle: list[UpstreamConnection] = []
        self._open: set[UpstreamConnection] = set()
        self._sweep_timer: asyncio.TimerHandle | None = None

    def take(self) -> UpstreamConnection | None:
        """Returns the most recently used idle connection; None when there is none."""
        oldest = self._loop.time() - self._idle_connection_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    async def connect(self) -> UpstreamConnection:
        """A new connection.

        Raises:
            ConnectError: the connection failed or timed out.
        """
        attempt = self._loop.create_task(
            self._loop.create_connection(self._new_connection, self._host, self._port, ssl=self._ssl)
        )
        try:
            await asyncio.wait([attempt], timeout=self._connect_seconds)
            for _ in range(_GRACE_ITERATIONS):
                if attempt.done():
                    break
                await asyncio.sleep(0)
            if not attempt.done():
                raise ConnectError("TimeoutError")
            _, connection = attempt.result()
        except OSError as failure:
            raise ConnectError(type(failure).__name__) from failure
        except asyncio.CancelledError:
            attempt.add_done_callback(_abort_connection)
            raise
        finally:
            attempt.cancel()
        if connection.is_usable:  # a lost one would never be discarded
            self._open.add(connection)
        return connection

    def close(self) -> None:
        """Close every connection, and fail pending requests."""
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        for connection in list(self._open):
            connection.abort()

    def _new_connection(self) -> UpstreamConnection:
        return UpstreamConnection(self._loop, self._released, self._open.discard, self._write_batch)

    def _released(self, connection: UpstreamConnection) -> None:
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._sweep_timer is None:
            self._sweep_timer = self._loop.call_later(self._idle_connection_seconds, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long. The list is in the order of last use."""
        self._sweep_timer = None
        now = self._loop.time()
        kept = [each for each in self._idle if each.is_usable]
        while kept and kept[0].idle_since + self._idle_connection_seconds <= now:
            kept.pop(0).abort()
        self._idle = kept
        if kept:
            wait = kept[0].idle_since + self._idle_connection_seconds - now
            self._sweep_timer = self._loop.call_later(max(wait, 0.01), self._sweep)


def _abort_connection(attempt: "asyncio.Task[tuple[asyncio.Transport, UpstreamConnection]]") -> None:
    """Abort what was connected although nobody waits for it any more."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result()[1].abort()
