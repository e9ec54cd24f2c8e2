"""uvicorn's HTTP/1.1, with bounds on what a connection may hold, and our own words for what cannot be read.

uvicorn over httptools takes header lines without end, before a body and after it, and waits for ever for the
rest of a head; so one connection could fill the memory (100 MB of headers were kept as 100 MB), and idle ones
all sockets. It adds trailers to the headers, and loses the body of a request that asks for an upgrade.
"""

import asyncio
import contextvars
from typing import Any, Final

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api_gateway.answers import http_date
from api_gateway.app import Resources
from api_gateway.client_connection import ClientConnection
from shared.http.problem import problem
from shared.http.request_id import HEADER, adopt_request_id

_MALFORMED: Final = (400, "The request is not valid HTTP", "malformed")
_TOO_SLOW: Final = (408, "The head of the request did not arrive in time", "request_timeout")
_TOO_LARGE: Final = (431, "The head of the request is too large", "head_too_large")
_TRAILERS_TOO_LARGE: Final = (431, "The trailers of the request are too large", "trailers_too_large")


class BoundedHttp(HttpToolsProtocol):
    """One connection of a client. Pass it to uvicorn as `http`."""

    max_head_bytes = 65536
    max_trailer_bytes = 8192
    head_seconds = 15.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reason = _MALFORMED
        self._in_head = False
        self._may_be_in_trailers = False
        self._earlier_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._connection: ClientConnection
        self._running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        resources: Resources = self.app_state["resources"]
        self._connection = ClientConnection(transport, resources.limits.deadlines.idle)
        super().connection_made(self._connection)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._connection.lost()
        super().connection_lost(exc)
        # uvicorn tells the request that came last, which may be waiting for this one.
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._connection.full()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._connection.drained()

    def data_received(self, data: bytes) -> None:
        """In place of uvicorn's, where bytes that begin no request stop the timer of an idle connection."""
        # What came before this piece was all head, or all trailers; this piece may hold their end and more.
        if self._in_head and self._earlier_bytes > self.max_head_bytes:
            self._refuse(*_TOO_LARGE)
            return
        if self._may_be_in_trailers and self._earlier_bytes > self.max_trailer_bytes:
            self._refuse(*_TRAILERS_TOO_LARGE)
            return
        self._earlier_bytes += len(data)
        try:
            self._parse(memoryview(data))
        except httptools.HttpParserError:
            self._refuse(*self._reason)

    def _parse(self, data: memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as stopped:
                data = data[stopped.args[0] :]
                self._begin_without_upgrade()
            else:
                return

    def _begin_without_upgrade(self) -> None:
        """Read the head again as one that asks for no upgrade, which is ours to ignore.

        The parser has stopped behind it and would take the body for the new protocol.
        """
        version = self.parser.get_http_version().encode("ascii")
        first = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)
        lines = [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parser.feed_data(first + b"".join(lines) + b"\r\n")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _should_upgrade(self) -> bool:
        """uvicorn's question whether to begin without the app; it is begun after the second reading."""
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_head = True
        self._may_be_in_trailers = False
        self._earlier_bytes = 0
        self._wait_for_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers are dropped, as RFC 9110, 6.5.1 allows: by them a body would set headers."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        # The answer before this request may have ended, and the connection been idle, within its head.
        self._unset_keepalive_if_required()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.max_head_bytes:
            self._reason = _TOO_LARGE
            raise ValueError(_TOO_LARGE)
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise ValueError(_MALFORMED)
        if self.parser.get_method() == b"CONNECT":
            raise ValueError(_MALFORMED)
        super().on_headers_complete()
        # Not before: what is refused above is refused as a head.
        self._in_head = False

    def on_chunk_header(self) -> None:
        """What follows is the chunk's data, or trailers when it is the last one, which has none."""
        self._may_be_in_trailers = True
        self._earlier_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._may_be_in_trailers = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._may_be_in_trailers = False
        super().on_message_complete()

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def eof_received(self) -> None:
        """Closed by us, who see to it that this ends; the loop would close what lies below, and wait."""
        self.transport.close()

    def _give_up(self) -> None:
        if self.flow.read_paused:  # it is we who do not read on
            self._wait_for_head()
        elif self._in_head:
            self._refuse(*_TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, status: int, detail: str, code: str) -> None:
        """Answer without the app, and close; just close where it would look like another request's answer."""
        self._stop_waiting()
        idle = self.cycle is None or self.cycle.response_complete
        if idle or not (self._in_head or self.pipeline or self.cycle.response_started):
            # In a context of its own: the request id made here is not that of any other request.
            self.transport.write(contextvars.copy_context().run(_answer, status, detail, code))
        self.transport.close()


def _answer(status: int, detail: str, code: str) -> bytes:
    request_id = adopt_request_id(None)
    answer = problem(status, detail, code)
    headers = [
        *answer.raw_headers,
        (HEADER.lower().encode(), request_id.encode()),
        (b"date", http_date()),
        (b"connection", b"close"),
    ]
    lines = b"".join(b"%s: %s\r\n" % pair for pair in headers)
    return STATUS_LINE[status] + lines + b"\r\n" + bytes(answer.body)
