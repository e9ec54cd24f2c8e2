"""One connection to a server, for one request and its response at a time."""

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools

from shared.deadline import Deadline
from shared.http.client.errors import (
    BadResponseError,
    ConnectionLostError,
    ResponseHeadTooLargeError,
    ResponseTimeoutError,
)
from shared.http.client.response import Headers, UpstreamResponse, announces_end
from shared.http.client.unread import unread_bytes
from shared.http.write_batch import WriteBatch

_MAX_HEAD_BYTES: Final = 65536
_HIGH_WATER_BYTES: Final = 128 * 1024
"""The buffer for unread response bytes; when it is full, reading pauses (back-pressure)."""
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_WITHOUT_BODY: Final = frozenset({204, 304})


class UpstreamConnection(asyncio.Protocol):
    """`released` is called when it can take another request; `lost` when it cannot any more."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        released: Callable[["UpstreamConnection"], None],
        lost: Callable[["UpstreamConnection"], None],
        write_batch: WriteBatch,
    ) -> None:
        self.idle_since = 0.0
        self._loop = loop
        self._released = released
        self._lost = lost
        self._write_batch = write_batch
        self._unsent = b""
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._deadline = Deadline(loop, self._expired)
        self._idle_seconds = 0.0
        self._response: UpstreamResponse | None = None
        self._method = ""
        self._request_sent = True
        self._headers: Headers = []
        self._in_head = True
        self._head_bytes = 0
        self._is_interim = False
        self._ends_with_connection = False
        self._is_kept_alive = False
        self._complete = False
        self._is_unsolicited = False
        self._reading_paused = False
        self._drained: asyncio.Future[None] | None = None
        self._is_writable = True

    # The interface of the pool and the relay.

    @property
    def is_usable(self) -> bool:
        """Whether a request may be sent on it."""
        return not self._transport.is_closing()

    def send(
        self, method: str, data: bytes, *, idle_seconds: float, response_seconds: float | None = None
    ) -> UpstreamResponse:
        """Send a whole request, with the next batch; its response has to begin within `response_seconds`.

        Without `response_seconds`, `data` is the head of a request whose body follows: it is sent at once,
        and `request_sent` ends the request. `idle_seconds` is the timeout between two pieces of either body.
        """
        response = self._response = UpstreamResponse(self._loop)
        self._method = method
        self._idle_seconds = idle_seconds
        self._in_head = True
        self._head_bytes = 0
        self._headers = []
        self._complete = False
        if response_seconds is None:
            self._request_sent = False
            self._transport.write(data)
        else:
            self._request_sent = True
            self._unsent = data
            self._write_batch.add(self._send_unsent)
            self._deadline.start(response_seconds)
        return response

    def _send_unsent(self) -> None:
        data, self._unsent = self._unsent, b""
        if self._transport.is_closing():
            self._fail(ConnectionLostError())
        else:
            self._transport.write(data)

    def request_sent(self, response_seconds: float) -> None:
        """The request is complete: the response timeout starts."""
        self._request_sent = True
        if self._complete:
            self._give_back()
        elif self._in_head:
            self._deadline.start(response_seconds)
        elif not self._reading_paused:
            self._deadline.start(self._idle_seconds)

    async def write(self, data: bytes) -> None:
        """Write a piece of the body. Returns when the next one may be written, or the response has failed."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._is_writable:
            self._deadline.stop()
            return
        self._deadline.start(self._idle_seconds)
        self._drained = self._loop.create_future()
        await self._drained

    def abort(self) -> None:
        """Close it, and fail a pending request."""
        self._transport.abort()

    # Callbacks of the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derive from none of asyncio's

    def data_received(self, data: bytes) -> None:
        if self._unsent:  # no response: the request is not written yet
            self._fail(ConnectionLostError())
            return
        if self._in_head:
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._fail(ResponseHeadTooLargeError())
                return
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as failure:
            if not self._complete:
                self._fail(failure.__context__ or BadResponseError())
                return
            self._is_unsolicited = True
        if self._complete or self._response is None:
            self._give_back()
        elif not self._in_head:
            self._response.arrived()
            if self._request_sent and not self._reading_paused:
                self._deadline.start(self._idle_seconds)

    def eof_received(self) -> bool:
        self._ended()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, OSError) and self._response is not None:
            for piece in unread_bytes(self._transport):
                self.data_received(piece)
        self._ended(is_reset=exc is not None)
        self._deadline.close()
        self._is_writable = True
        self._wake_writer()
        self._lost(self)

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        if self._drained is not None:
            self._deadline.stop()
        self._wake_writer()

    def _wake_writer(self) -> None:
        if self._drained is not None:
            drained, self._drained = self._drained, None
            if not drained.done():
                drained.set_result(None)

    def _ended(self, *, is_reset: bool = False) -> None:
        """The connection has ended. A reset is not the end of a body without a length (RFC 9112, 8)."""
        response = self._response
        if response is None:
            return
        if not self._in_head and self._ends_with_connection and not is_reset:
            self._response = None
            self._deadline.stop()
            response.end()
        elif self._in_head and not self._head_bytes:
            self._fail(ConnectionLostError())
        else:
            self._fail(BadResponseError())

    def _expired(self) -> None:
        self._fail(ResponseTimeoutError())

    def _fail(self, failure: BaseException) -> None:
        response, self._response = self._response, None
        self._deadline.stop()
        if response is not None:
            response.fail(failure if isinstance(failure, Exception) else BadResponseError())
        if not self._transport.is_closing():
            self._transport.abort()

    def _give_back(self) -> None:
        """The response is complete. The connection is reused if the request was complete, too."""
        response, self._response = self._response, None
        self._deadline.stop()
        if response is None or self._is_unsolicited or not self._request_sent or not self._is_kept_alive:
            self._transport.abort()
        else:
            if self._method == "HEAD":
                self._parser = httptools.HttpResponseParser(self)
            if self._reading_paused:
                self._reset_reading()
            self._released(self)
        if response is not None:
            response.end()

    def _reset_reading(self) -> None:
        self._reading_paused = False
        self._transport.resume_reading()

    def _resume(self) -> None:
        """The reader has emptied the buffer."""
        if self._reading_paused and not self._transport.is_closing():
            self._reset_reading()
            if self._request_sent:
                self._deadline.start(self._idle_seconds)

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        if self._response is None or self._complete:
            self._is_unsolicited = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # or it is a trailer
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        response = self._response
        if response is None or self._complete:
            return
        parser = self._parser
        status = parser.get_status_code()
        self._is_interim = status < 200
        if self._is_interim:
            self._headers = []
            if status == 100 and response.on_continue is not None:
                response.on_continue()
            return
        headers = self._headers
        if self._head_bytes > _MAX_HEAD_BYTES:
            size = sum(len(name) + len(value) for name, value in headers)
            if size > _MAX_HEAD_BYTES:
                raise ResponseHeadTooLargeError
        if status > 599 or parser.get_http_version() not in _VERSIONS:
            raise BadResponseError
        is_delimited = announces_end(headers) or status in _WITHOUT_BODY or self._method == "HEAD"
        self._ends_with_connection = not is_delimited
        self._is_kept_alive = parser.should_keep_alive()
        self._in_head = False
        if not self._request_sent:
            self._deadline.stop()
        response.status = status
        response.headers = headers
        if self._method == "HEAD":
            self._complete = True

    def on_body(self, body: bytes) -> None:
        response = self._response
        if response is None or self._complete:
            self._is_unsolicited = True
            return
        response.add(body)
        if response.buffered > _HIGH_WATER_BYTES and not self._reading_paused:
            self._reading_paused = True
            response.on_taken = self._resume
            self._transport.pause_reading()
            self._deadline.stop()

    def on_message_complete(self) -> None:
        if not self._is_interim and not self._in_head:
            self._complete = True
