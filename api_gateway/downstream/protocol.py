"""The gateway's side of a client's connection: HTTP/1.1 for uvicorn, strict and bounded.

It replaces uvicorn's own protocol, which accepts header lines, trailers and chunk extensions without a limit,
has no timeout for the rest of a head or for a client that stopped reading, drops the body after an upgrade
request, sends no response after a half-close, and resets connections with pipelined requests.
"""

import asyncio
from collections import deque
from typing import Any, Final, cast

from starlette.types import Scope

from api_gateway.downstream.body_decoder import BodyDecoder, decoder_of
from api_gateway.downstream.exchange import Exchange, scope_of
from api_gateway.downstream.refusals import REFUSALS, TOO_SLOW, Refusal, refuse
from api_gateway.downstream.request_head import HeadReader
from api_gateway.downstream.write_buffer import WriteBuffer
from api_gateway.resources import resources_of
from shared.deadline import Deadline

_MAX_PIPELINED: Final = 32
"""Pipelined requests that may wait; at this number the connection is not read any further."""


class HttpProtocol(asyncio.Protocol):
    """One connection of a client. Pass it to uvicorn as `http`."""

    max_head_bytes = 65536
    max_trailer_bytes = 8192
    head_seconds = 15.0
    half_close_seconds = 3.0
    """How long a response may take to begin after a half-close: the client may also have disconnected."""
    linger_seconds = 20.0
    linger_idle_seconds = 2.0
    linger_bytes = 256 * 1024 * 1024
    refused_linger_bytes = 1024 * 1024
    """How much is read and discarded before a connection is closed (lingering close).

    Less after malformed input than of the body of a request whose response came before its end.
    """

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        self.app_state = app_state
        self.keep_alive_seconds: float = config.timeout_keep_alive
        self.scope: Scope
        """What the ASGI scopes of all its requests have in common."""
        self.writes: WriteBuffer
        self.tasks: set[asyncio.Task[None]] = server_state.tasks
        self._app = config.loaded_app
        self._server_state = server_state
        self._loop: asyncio.AbstractEventLoop = _loop or asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._deadline = Deadline(self._loop, self._expired)
        self._head_reader = HeadReader(self.max_head_bytes)
        self._decoder: BodyDecoder | None = None
        self._receiving: Exchange | None = None
        self._running: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._unread = b""
        self._is_reading_paused = False
        self._is_half_closed = False
        self._takes_requests = True
        self._lingers_until: float | None = None
        self._lingered_bytes = 0

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derive from no asyncio class
        self.writes = resources_of(self.app_state).write_buffer(self._transport)
        self._server_state.connections.add(self)
        self.scope = scope_of(transport)
        self._deadline.start(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server_state.connections.discard(self)
        self._takes_requests = False
        self._deadline.close()
        self.writes.lost()
        self._disconnect()

    def pause_writing(self) -> None:
        self.writes.pause()

    def resume_writing(self) -> None:
        self.writes.resume()
        if self._running is None:
            self._run_next()

    def data_received(self, data: bytes) -> None:
        if self._lingers_until is not None:
            self._drop(len(data))
        else:
            self._read(self._unread + data if self._unread else data)

    def eof_received(self) -> bool:
        """The client has closed its sending side. It may wait for responses, so the connection stays open."""
        self._is_half_closed = True
        self._takes_requests = False
        if self._receiving is not None:
            self._receiving.disconnect()
            self._waiting = deque(each for each in self._waiting if each is not self._receiving)
        unanswered = None if self._running is self._receiving else self._running
        if self._lingers_until is not None or (unanswered is None and not self._waiting):
            self._close()
        elif unanswered is not None:
            self._await_response(unanswered)
        return True

    def _read(self, data: bytes) -> None:
        self._unread = b""
        try:
            while data:
                if self._receiving is not None:
                    data = self._read_body(data)
                elif not self._takes_requests:
                    return
                elif len(self._waiting) >= _MAX_PIPELINED:
                    self._unread = data
                    self.pause_reading()
                    return
                else:
                    data = self._read_head(data)
        except tuple(REFUSALS) as failure:
            self._refuse(REFUSALS[type(failure)])

    def _read_head(self, data: bytes) -> bytes:
        reader = self._head_reader
        had_begun = reader.has_begun
        head, rest = reader.feed(data)
        if head is None:
            if reader.has_begun and not had_begun:
                self._deadline.start(self.head_seconds)
            return b""
        self._deadline.stop()
        exchange = Exchange(self, head)
        if not exchange.body_ended:
            self._receiving = exchange
            self._decoder = decoder_of(head.fields.framing, self.max_trailer_bytes)
        elif not head.fields.keep_alive:
            self._takes_requests = False
        if self._running is None and not self._waiting:
            self._run(exchange)
        else:
            self._waiting.append(exchange)
        return rest

    def _read_body(self, data: bytes) -> bytes:
        exchange, decoder = self._receiving, self._decoder
        assert exchange is not None  # noqa: S101 - narrows a type
        assert decoder is not None  # noqa: S101 - narrows a type
        piece, rest = decoder.feed(data)
        if piece:
            exchange.body_arrived(piece)
        if decoder.ended:
            self._receiving = self._decoder = None
            exchange.body_complete()
            if not exchange.head.fields.keep_alive:
                self._takes_requests = False
        return rest

    # The exchanges' side.

    def pause_reading(self) -> None:
        """Pause reading."""
        if not self._is_reading_paused and not self._transport.is_closing():
            self._is_reading_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading, unless too many requests wait."""
        if self._is_reading_paused and not self._unread and not self._transport.is_closing():
            self._is_reading_paused = False
            self._transport.resume_reading()

    def closes_after(self, exchange: Exchange, *, recycled: bool) -> bool:
        """Whether the connection closes after the response that `exchange` begins now.

        A connection is recycled between requests only: pipelined requests get their responses first.
        """
        if not exchange.head.fields.keep_alive or exchange.body_is_abandoned:
            self._waiting.clear()
        elif (self._takes_requests and not recycled) or self._has_more():
            return False
        self._takes_requests = False
        return True

    def _has_more(self) -> bool:
        """Whether another request has arrived, at least in part."""
        return bool(self._waiting or self._unread) or self._is_reading_paused or self._head_reader.has_begun

    def response_ended(self) -> None:
        """Start the next request."""
        self._server_state.total_requests += 1
        self._running = None
        if self._waiting or self._unread:
            self._run_next()
            if self._unread and len(self._waiting) < _MAX_PIPELINED // 2:
                self._read(self._unread)
        elif not self._takes_requests:
            self._close()
            return
        if self._is_reading_paused:
            self.resume_reading()
        if self._running is None and not self._waiting and not self._head_reader.has_begun:
            self._deadline.start(self.keep_alive_seconds)

    def cut(self) -> None:
        """Abort the connection within a response."""
        self._takes_requests = False
        self._waiting.clear()
        self.writes.close()

    def shutdown(self) -> None:
        """Called by uvicorn to close the connection after the responses to the running requests."""
        if self._running is None and not self._waiting:
            self.writes.close()
        else:
            self._takes_requests = False

    def _run_next(self) -> None:
        if self._waiting and not self.writes.is_full:
            self._run(self._waiting.popleft())

    def _run(self, exchange: Exchange) -> None:
        self._running = exchange
        exchange.task = self._loop.create_task(exchange.run(self._app))
        self.tasks.add(exchange.task)
        if self._is_half_closed:
            self._await_response(exchange)

    def _disconnect(self) -> None:
        if self._running is not None:
            self._running.disconnect()
        if self._receiving is not None:
            self._receiving.disconnect()
        self._waiting.clear()

    # The end of a connection.

    def _await_response(self, exchange: Exchange) -> None:
        if not exchange.response_started and not exchange.outlives_half_close:
            self._deadline.start(self.half_close_seconds)

    def _expired(self) -> None:
        if self._lingers_until is not None:
            self.writes.close()
        elif self._is_half_closed:
            running = self._running
            if running is not None and not (running.response_started or running.outlives_half_close):
                self._disconnect()
                self._transport.abort()
        elif self._is_reading_paused:
            self._deadline.start(self.head_seconds)
        elif self._head_reader.has_begun:
            self._refuse(TOO_SLOW)
        else:
            self._receiving = None  # the rest of a body whose response has been sent
            self._close()

    def _close(self) -> None:
        """Close after everything is written; read on for a while, or the client might lose the response."""
        self._takes_requests = False
        self.writes.flush()
        if self._transport.is_closing() or (self._lingers_until is not None and not self._is_half_closed):
            return
        if self._is_half_closed or not self._transport.can_write_eof():
            self._deadline.stop()
            self._transport.close()
        else:
            self._lingers_until = self._loop.time() + self.linger_seconds
            self._unread = b""
            if self._receiving is None:  # a client that is still sending has no head timeout
                self._transport.write_eof()
            if self._is_reading_paused:
                self._is_reading_paused = False
                self._transport.resume_reading()
            self._deadline.start(self.linger_idle_seconds)
        self.writes.closing()

    def _drop(self, size: int) -> None:
        self._lingered_bytes += size
        left = (self._lingers_until or 0.0) - self._loop.time()
        if left <= 0 or self._lingered_bytes > self.linger_bytes:
            self.writes.close()
        else:
            self._deadline.start(min(left, self.linger_idle_seconds))

    def _refuse(self, refusal: Refusal) -> None:
        """Send an error without the application; only close if it could be taken for another response."""
        running = self._running
        is_for_running = running is not None and running is self._receiving and not running.response_started
        may_respond = (running is None and not self._waiting) or is_for_running
        self._disconnect()  # first, so that the service sees an incomplete body
        if may_respond:
            self.writes.write(refuse(refusal))
        self._running = self._receiving = None
        self._lingered_bytes = self.linger_bytes - self.refused_linger_bytes
        self._close()
