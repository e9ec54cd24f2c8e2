"""The connections of calls to other services: for httpx, in place of httpcore's pool.

httpcore serves several event loop libraries, polls every idle connection at each call, and takes 2 ms of
processor time for one. On asyncio and httptools it is a tenth of that.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import httptools
import httpx

MAX_CONNECTIONS: Final = 50
IDLE_SECONDS: Final = 15.0
"""Shorter than servers keep idle connections (shared/http/serve.py)."""

_READ_BYTES: Final = 65536


class _Reply:
    """A response as it arrives. Its methods are called by the parser."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.has_head = False
        self.is_complete = False
        self.keeps_connection = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def status(self) -> int:
        """Its status, once it has a head."""
        return int(self._parser.get_status_code())

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection; none of them is its end.

        Raises:
            httpx.RemoteProtocolError: they are no HTTP, or end too early.
        """
        if not data:
            names = {name.lower() for name, _ in self.headers}
            if not self.has_head or names & {b"content-length", b"transfer-encoding"}:
                raise httpx.RemoteProtocolError("The connection was closed within a response")
            self.is_complete = True
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as failure:
            raise httpx.RemoteProtocolError("The response is not HTTP") from failure

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.has_head = self.status >= 200
        if not self.has_head:
            self.headers.clear()

    def on_body(self, body: bytes) -> None:
        self.pieces.append(body)

    def on_message_complete(self) -> None:
        if self.has_head:
            self.is_complete = True
            self.keeps_connection = self._parser.should_keep_alive()


class _Connection:
    """A connection, which serves one call at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._idle_since = time.monotonic()

    async def send(self, data: bytes, seconds: float | None) -> None:
        """Raises httpx.WriteTimeout or httpx.WriteError."""
        with _translated(httpx.WriteTimeout, httpx.WriteError):
            self._writer.write(data)
            async with asyncio.timeout(seconds):
                await self._writer.drain()

    async def receive(self, reply: _Reply, seconds: float | None) -> None:
        """Read the next bytes of `reply`. Raises httpx.ReadTimeout, ReadError or RemoteProtocolError."""
        with _translated(httpx.ReadTimeout, httpx.ReadError):
            async with asyncio.timeout(seconds):
                data = await self._reader.read(_READ_BYTES)
        reply.feed(data)

    def rest(self) -> None:
        """It is idle from now on."""
        self._idle_since = time.monotonic()

    def is_usable(self) -> bool:
        """Whether another call may use it."""
        is_open = not self._writer.is_closing() and not self._reader.at_eof()
        return is_open and time.monotonic() - self._idle_since < IDLE_SECONDS

    def close(self) -> None:
        """Close it, without waiting for what is not sent yet."""
        self._writer.transport.abort()


class _Body(httpx.AsyncByteStream):
    """The body of a response. Closing it returns the connection."""

    def __init__(
        self, transport: "ServiceTransport", connection: _Connection, reply: _Reply, seconds: float | None
    ) -> None:
        self._transport = transport
        self._connection: _Connection | None = connection
        self._reply = reply
        self._seconds = seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        connection = self._connection
        if connection is None:
            raise httpx.StreamClosed
        while True:
            pieces, self._reply.pieces = self._reply.pieces, []
            for each in pieces:
                yield each
            if self._reply.is_complete:
                return
            await connection.receive(self._reply, self._seconds)

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            may_keep = self._reply.is_complete and self._reply.keeps_connection
            self._transport.release(connection, may_keep=may_keep)


class ServiceTransport(httpx.AsyncBaseTransport):
    """Connections to one server, kept between calls."""

    def __init__(self) -> None:
        self._idle: list[_Connection] = []
        self._permits = asyncio.Semaphore(MAX_CONNECTIONS)
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request, and returns when the head of the response is here."""
        seconds = request.extensions["timeout"]
        with _translated(httpx.PoolTimeout, httpx.ConnectError):
            async with asyncio.timeout(seconds["pool"]):
                await self._permits.acquire()
        connection: _Connection | None = None
        try:
            connection = self._kept() or await self._connect(request.url, seconds["connect"])
            await connection.send(_head_of(request) + await request.aread(), seconds["write"])
            reply = _Reply()
            while not reply.has_head:
                await connection.receive(reply, seconds["read"])
        except BaseException:
            self.release(connection, may_keep=False)
            raise
        body = _Body(self, connection, reply, seconds["read"])
        return httpx.Response(reply.status, headers=reply.headers, stream=body)

    def release(self, connection: _Connection | None, *, may_keep: bool) -> None:
        """A call has ended."""
        self._permits.release()
        if connection is None:
            return
        if may_keep:
            connection.rest()
            self._idle.append(connection)
        else:
            connection.close()

    def _kept(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable():
                return connection
            connection.close()
        return None

    async def _connect(self, url: httpx.URL, seconds: float | None) -> _Connection:
        is_secure = url.scheme == "https"
        if is_secure and self._tls is None:
            self._tls = httpx.create_ssl_context()
        with _translated(httpx.ConnectTimeout, httpx.ConnectError):
            async with asyncio.timeout(seconds):
                port = url.port or (443 if is_secure else 80)
                return _Connection(*await asyncio.open_connection(url.host, port, ssl=self._tls))

    async def aclose(self) -> None:
        while self._idle:
            self._idle.pop().close()


@contextmanager
def _translated(timeout: type[httpx.TimeoutException], error: type[httpx.NetworkError]) -> Iterator[None]:
    """Within it, failures of asyncio are those of httpx."""
    try:
        yield
    except TimeoutError as failure:
        raise timeout("No progress in time") from failure
    except OSError as failure:
        raise error(str(failure)) from failure


def _head_of(request: httpx.Request) -> bytes:
    lines = [request.method.encode() + b" " + request.url.raw_path + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in request.headers.raw]
    return b"\r\n".join([*lines, b"", b""])
