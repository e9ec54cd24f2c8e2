"""Connections to services and providers: httpx on `shared.http.client`, in place of httpcore's pool.

httpcore supports several event loop libraries, polls every idle connection at each call, and takes 2 ms of
processor time per call; this takes a tenth of that.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from shared.http.client.connection import UpstreamConnection
from shared.http.client.errors import ConnectError, ConnectionLostError, ResponseTimeoutError, UpstreamError
from shared.http.client.pool import IDLE_CONNECTION_SECONDS, ConnectionPool
from shared.http.client.response import UpstreamResponse

MAX_CONNECTIONS: Final = 50


class _Body(httpx.AsyncByteStream):
    """The body of a response. Closing it early closes the connection."""

    def __init__(
        self, connection: UpstreamConnection, response: UpstreamResponse, permits: asyncio.Semaphore
    ) -> None:
        self._connection = connection
        self._response = response
        self._permits: asyncio.Semaphore | None = permits

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            while piece := await self._response.read():
                yield piece

    async def aclose(self) -> None:
        permits, self._permits = self._permits, None
        if permits is None:
            return
        permits.release()
        if not self._response.ended:
            self._connection.abort()


class PooledTransport(httpx.AsyncBaseTransport):
    """Connections to the server at `url`, kept between calls, with TLS for https. No proxy is used.

    Create it inside a running event loop. Its httpx client must have timeouts in seconds: `pool`, the wait
    for a connection, and `read`, the wait for the response and for each piece of it. `connect` and `write`
    are not used.
    """

    def __init__(
        self,
        url: str,
        connect_seconds: float,
        *,
        max_connections: int = MAX_CONNECTIONS,
        idle_connection_seconds: float = IDLE_CONNECTION_SECONDS,
    ) -> None:
        self._pool = ConnectionPool(url, connect_seconds, idle_connection_seconds)
        self._permits = asyncio.Semaphore(max_connections)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request. Returns when the head of the response has arrived.

        Raises:
            httpx.TransportError: PoolTimeout, ConnectError, ReadError, ReadTimeout or RemoteProtocolError.
        """
        seconds = request.extensions["timeout"]
        try:
            async with asyncio.timeout(seconds["pool"]):
                await self._permits.acquire()
        except TimeoutError as failure:
            raise httpx.PoolTimeout("All connections are in use") from failure
        connection: UpstreamConnection | None = None
        response: UpstreamResponse | None = None
        try:
            with _translated():
                connection = self._pool.take() or await self._pool.connect()
                data = _head_of(request) + await request.aread()
                response = connection.send(
                    request.method, data, idle_seconds=seconds["read"], response_seconds=seconds["read"]
                )
                await response.wait_for_head()
        except BaseException:
            self._permits.release()
            # Once the response has ended, another call may be using the connection.
            if connection is not None and (response is None or not response.ended):
                connection.abort()
            raise
        body = _Body(connection, response, self._permits)
        return httpx.Response(response.status, headers=response.headers, stream=body)

    async def aclose(self) -> None:
        self._pool.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Within it, failures are those of httpx."""
    try:
        yield
    except ConnectError as failure:
        raise httpx.ConnectError(str(failure)) from failure
    except ConnectionLostError as failure:
        raise httpx.ReadError("The connection was closed before the response") from failure
    except ResponseTimeoutError as failure:
        raise httpx.ReadTimeout("No response in time") from failure
    except UpstreamError as failure:
        raise httpx.RemoteProtocolError(type(failure).__name__) from failure


def _head_of(request: httpx.Request) -> bytes:
    lines = [request.method.encode() + b" " + request.url.raw_path + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in request.headers.raw]
    return b"\r\n".join([*lines, b"", b""])
