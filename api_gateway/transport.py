"""httpx's transport interface over aiohttp's client, made fit for relaying other people's requests.

Differs from a browser-like client in that it adds no header, keeps no cookie, follows no redirect, unpacks
nothing, repeats nothing by itself and changes no byte of a path. Every failure comes out as one of httpx's.
"""

import asyncio
import functools
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import LineTooLong
from yarl import URL

from api_gateway.last_words import AttentiveHandler

# Below the servers' own idle timeout (75 s, shared/http/serve.py), or a request would meet a connection
# that is being closed.
IDLE_CONNECTION_SECONDS = 15.0

_MAX_HEADER_BYTES = 65536
_READ_BUFFER_BYTES = 65536
_AUTOMATIC_HEADERS = ("accept", "accept-encoding", "content-type", "user-agent")


class TooLongHeaderError(httpx.RemoteProtocolError):
    """The answer has a header that is too long to pass on; the words of the request may have made it so."""


def as_httpx(failure: Exception) -> httpx.TransportError:
    """What a failure of aiohttp is in httpx's words.

    ConnectError and ConnectTimeout: the request was not sent. ReadError: the connection failed before an
    answer. RemoteProtocolError: there is an answer, and it cannot be used.
    """
    message = type(failure).__name__
    if isinstance(failure, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(message)
    if isinstance(failure, aiohttp.ClientConnectorError | aiohttp.ServerFingerprintMismatch):
        return httpx.ConnectError(message)
    if isinstance(failure, TimeoutError):
        return httpx.ReadTimeout(message)
    if isinstance(failure, aiohttp.ClientConnectionError | OSError):
        return httpx.ReadError(message)
    if isinstance(getattr(failure.__cause__, "__cause__", None), LineTooLong):
        return TooLongHeaderError(message)
    return httpx.RemoteProtocolError(message)


async def _without_repeating(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp repeats PUT and DELETE by itself when it sees its own errors here; it lets others pass."""
    try:
        return await handler(request)
    except (aiohttp.ClientError, OSError) as failure:
        raise as_httpx(failure) from failure


def _handler(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return AttentiveHandler(loop)


class _Patience:
    """The deadline of an exchange, moved on as it proceeds in either direction."""

    def __init__(self) -> None:
        self._timeout: asyncio.Timeout | None = None
        self._seconds: float | None = None

    def start(self, seconds: float | None) -> asyncio.Timeout:
        """A deadline for whoever enters it: `seconds` from now, or none."""
        self._seconds = seconds
        self._timeout = asyncio.timeout(seconds)
        return self._timeout

    def stop(self) -> None:
        """Nobody waits any more."""
        self._timeout = None

    def start_again(self) -> None:
        """The client's bytes come and go: the deadline runs from now."""
        self.move(self._seconds)

    def move(self, seconds: float | None) -> None:
        """From now on `seconds`, or for ever."""
        if self._timeout is not None and not self._timeout.expired():
            until = None if seconds is None else asyncio.get_running_loop().time() + seconds
            self._timeout.reschedule(until)


class RelayTransport(httpx.AsyncBaseTransport):
    """Enter it inside a running loop; leaving it closes every connection.

    Honours the request extensions `target` (bytes of the request line, instead of the URL's path) and
    `timeout`, in seconds: `connect`, `write` (the service takes no bytes), `first_byte` (from the request
    sent to the answer begun) and `read` (between two pieces of it). It sets no limit to the connections.
    """

    def __init__(self, idle_connection_seconds: float = IDLE_CONNECTION_SECONDS) -> None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=idle_connection_seconds)
        # aiohttp offers no other way to say what reads a connection.
        connector._factory = functools.partial(_handler, asyncio.get_running_loop())
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC_HEADERS,
            auto_decompress=False,
            read_bufsize=_READ_BUFFER_BYTES,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            middlewares=(_without_repeating,),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._session.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        seconds = request.extensions.get("timeout", {})
        patience = _Patience()
        body = None
        if "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0":
            body = _upload(request.stream, patience, seconds.get("write"))
        connect = seconds.get("connect")
        try:
            async with patience.start(None):
                response = await self._session.request(
                    request.method,
                    _url_of(request),
                    headers=[
                        (name.decode("latin-1"), _text_of(value))
                        for name, value in request.headers.raw
                        if name.lower() not in (b"host", b"transfer-encoding")
                    ],
                    data=body,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(
                        connect=connect,
                        sock_connect=connect,
                        sock_read=seconds.get("first_byte", seconds.get("read")),
                    ),
                )
        except TimeoutError:
            raise httpx.WriteTimeout("the service takes no bytes") from None
        finally:
            patience.stop()
        _stop_first_byte_timer(response)
        return httpx.Response(
            response.status,
            headers=list(response.raw_headers),
            stream=_RelayedBody(response, patience, seconds.get("read")),
            request=request,
        )


def _url_of(request: httpx.Request) -> URL:
    target = request.extensions.get("target", request.url.raw_path)
    path, _, query = target.decode("ascii").partition("?")
    return URL.build(
        scheme=request.url.scheme,
        host=request.url.host,
        port=request.url.port,
        path=path,
        query_string=query,
        encoded=True,
    )


def _text_of(value: bytes) -> str:
    """aiohttp writes headers in UTF-8, so what is UTF-8 passes byte for byte."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _stop_first_byte_timer(response: aiohttp.ClientResponse) -> None:
    """aiohttp would go on to time the gaps with it, also while we are the ones who do not read."""
    connection = response.connection
    if connection is not None and connection.protocol is not None:
        connection.protocol.read_timeout = None
        connection.protocol.start_timeout()


async def _upload(
    stream: httpx.AsyncByteStream | httpx.SyncByteStream, patience: _Patience, write_seconds: float | None
) -> AsyncIterator[bytes]:
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("an asynchronous transport needs an asynchronous body")
    async for chunk in stream:
        patience.move(write_seconds)
        yield chunk
        patience.start_again()


class _RelayedBody(httpx.AsyncByteStream):
    """The bytes of an answer as they come. Closing it early closes the connection."""

    def __init__(
        self, response: aiohttp.ClientResponse, patience: _Patience, read_seconds: float | None
    ) -> None:
        self._response = response
        self._patience = patience
        self._read_seconds = read_seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        while not content.at_eof():
            try:
                chunk = content.read_nowait()
                if not chunk:
                    async with self._patience.start(self._read_seconds):
                        chunk = await content.readany()
            except (aiohttp.ClientError, OSError) as failure:
                raise as_httpx(failure) from failure
            finally:
                self._patience.stop()
            if chunk:
                yield chunk

    async def aclose(self) -> None:
        self._response.close()
