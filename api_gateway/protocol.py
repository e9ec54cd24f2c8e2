"""uvicorn's HTTP/1.1, with bounds on the head of a request, and with our own words for what cannot be read.

uvicorn over httptools takes header lines without end and waits for ever for the rest of a head; so one
connection could fill the memory (100 MB of headers were kept as 100 MB), and idle ones all sockets.
"""

import asyncio
import contextvars
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api_gateway.answers import http_date
from shared.problem import problem
from shared.request_id import HEADER, adopt_request_id

_MALFORMED: Final = (400, "The request is not valid HTTP", "malformed")
_TOO_SLOW: Final = (408, "The head of the request did not arrive in time", "request_timeout")
_TOO_LARGE: Final = (431, "The head of the request is too large", "head_too_large")


class BoundedHttp(HttpToolsProtocol):
    """One connection of a client. Pass it to uvicorn as `http`."""

    max_head_bytes = 65536
    head_seconds = 15.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reason = _MALFORMED
        self._in_head = False
        self._earlier_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            # What came before this piece was all head; this piece may hold its end and the body's beginning.
            if self._earlier_bytes > self.max_head_bytes:
                self._refuse(*_TOO_LARGE)
                return
            self._earlier_bytes += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._earlier_bytes = 0
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.max_head_bytes:
            self._reason = _TOO_LARGE
            raise ValueError(_TOO_LARGE)
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(*self._reason)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        if self._in_head:
            self._refuse(*_TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, status: int, detail: str, code: str) -> None:
        """Answer without the app, and close; just close where it would look like another request's answer."""
        self._stop_waiting()
        idle = self.cycle is None or self.cycle.response_complete
        if idle or not (self._in_head or self.cycle.response_started):
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
