"""One request of a client and its response, as ASGI defines them, with additions for the relay."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import structlog
from starlette.types import ASGIApp, Message, Scope

from api_gateway.downstream.date import date_line
from api_gateway.downstream.request_head import RequestHead
from api_gateway.headers import ResponseHead, status_line

if TYPE_CHECKING:
    from api_gateway.downstream.protocol import HttpProtocol

EXTENSION: Final = "gateway.exchange"
"""The key of the `Exchange` in `scope["extensions"]`."""

_WITHOUT_BODY: Final = frozenset({204, 304})
_NEGLIGIBLE_BYTES: Final = 65536
"""A remaining body up to this size is read and discarded; for a larger one the connection is closed."""

log = structlog.stdlib.get_logger(__name__)


def scope_of(transport: asyncio.BaseTransport) -> Scope:
    """What the ASGI scopes of all requests on a connection have in common."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "server": _address(transport, "sockname"),
        "client": _address(transport, "peername"),
        "scheme": "http",
        "root_path": "",
    }


def _address(transport: asyncio.BaseTransport, side: str) -> tuple[str, int] | None:
    """One side of a connection ("sockname", "peername"); None for a Unix socket."""
    found = transport.get_extra_info(side)
    return (str(found[0]), int(found[1])) if isinstance(found, tuple) else None


class Exchange:
    """The request of `head` on `connection`. The app runs after the responses to the requests before it."""

    task: asyncio.Task[None]
    disconnected = False
    body_received = 0
    on_disconnect: Callable[[], None] | None = None
    outlives_half_close = False
    """Whether the exchange continues after the client has closed its sending side (half-close)."""
    response_started = False
    response_ended = False
    _buffered = 0
    _body_delivered = False
    _waiter: asyncio.Future[None] | None = None
    _is_chunked = False
    _has_no_body = False
    _ends_with_connection = False
    """Whether the end of the connection is the end of the response's body (HTTP/1.0)."""
    _left: int | None = None
    _length: int | None = None

    def __init__(self, connection: "HttpProtocol", head: RequestHead) -> None:
        self.head = head
        fields = head.fields
        self.body_ended = not fields.has_body
        self.continued = not fields.expects_continue
        self._connection = connection
        self._body: list[bytes] = []
        self._head: list[bytes] = []
        """The head of the response, in pieces, until it is sent."""

    def _scope(self) -> Scope:
        head, connection = self.head, self._connection
        fields = head.fields
        path = head.path.decode("ascii")
        return {
            **connection.scope,
            "http_version": fields.version,
            "method": head.method,
            "path": unquote(path) if "%" in path else path,
            "raw_path": head.path,
            "query_string": head.query,
            "headers": fields.headers,
            "state": connection.app_state.copy(),
            "extensions": {EXTENSION: self},
        }

    async def run(self, app: ASGIApp) -> None:
        """Run `app`. An unfinished response is aborted, so that no client takes it for a complete one."""
        try:
            await app(self._scope(), self.receive, self.send)
        except Exception:
            log.exception("the application failed")
        finally:
            if not self.response_ended and not self.disconnected:
                if self._ends_with_connection:
                    self._connection.writes.reset()
                else:
                    self._connection.cut()
            self._connection.tasks.discard(self.task)

    # The request's body.

    def body_arrived(self, piece: bytes) -> None:
        """The next piece."""
        self.body_received += len(piece)
        if self.response_ended:
            return
        self._body.append(piece)
        self._buffered += len(piece)
        if self._buffered > _NEGLIGIBLE_BYTES:
            self._connection.pause_reading()
        self._wake()

    def body_complete(self) -> None:
        """The body is complete."""
        self.body_ended = True
        self._wake()

    def take_body(self) -> bytes:
        """Returns what has arrived since the last call."""
        piece = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._buffered = 0
        self._connection.resume_reading()
        return piece

    async def wait_for_body(self) -> None:
        """Wait until a piece has arrived, the body has ended or the client has disconnected."""
        if self._buffered or self.body_ended or self.disconnected:
            return
        self._connection.resume_reading()
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def send_continue(self) -> None:
        """Send `100 Continue` to a client that waits for it."""
        if not self.continued and not self.response_started:
            self.continued = True
            self._connection.writes.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def disconnect(self) -> None:
        """The client has disconnected, or its request is malformed."""
        if self.disconnected:
            return
        self.disconnected = True
        self._wake()
        if self.on_disconnect is not None and not self.response_ended:
            self.on_disconnect()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Message:
        """ASGI's `receive`."""
        if not self._body_delivered:
            self.send_continue()
            await self.wait_for_body()
            if self._buffered or self.body_ended:
                self._body_delivered = self.body_ended
                return {"type": "http.request", "body": self.take_body(), "more_body": not self.body_ended}
        while not (self.disconnected or self.response_ended):
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return {"type": "http.disconnect"}

    # The response.

    @property
    def peer(self) -> str:
        """The address of the client, or of the proxy in front of this server; empty for a Unix socket."""
        client = self._connection.scope["client"]
        return client[0] if client is not None else ""

    @property
    def body_is_abandoned(self) -> bool:
        """Whether a response that begins now leaves too much of the body unread for the connection to be
        reused.
        """
        if self.body_ended:
            return False
        length = self.head.fields.framing.length
        return length is None or not self.continued or length - self.body_received > _NEGLIGIBLE_BYTES

    async def send(self, message: Message) -> None:
        """ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.start(message["status"], message.get("headers", ()))
        else:
            await self.write(message.get("body", b""), last=not message.get("more_body", False))

    async def write(self, body: bytes, *, last: bool) -> None:
        """A piece of the response's body. Returns when the next one may be written."""
        writes = self._connection.writes
        if writes.is_full:
            await writes.make_room(len(body), self._length)
        self._write(body, last=last)

    async def respond(self, head: ResponseHead, added: bytes, body: bytes, *, recycled: bool) -> None:
        """Send a whole response, with `added` header lines."""
        connection = self._connection
        writes = connection.writes
        if writes.is_full or head.length != len(body) or self.head.method == "HEAD" or self.response_started:
            self.begin(head, added, recycled=recycled)
            await self.write(body, last=True)
            return
        if self.disconnected:
            return
        self.response_started = self.response_ended = True
        closes = connection.closes_after(self, recycled=recycled)
        end = b"connection: close\r\n\r\n" if closes else b"\r\n"
        date = b"" if head.has_date else date_line()
        writes.write_soon(b"".join((head.lines, added, date, end, body)))
        if self._waiter is not None:
            self._wake()
        connection.response_ended()

    def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Begin the response of an ASGI application."""
        length: int | None = None
        recycled = has_date = False
        lines = [status_line(status)]
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            elif name == b"connection":
                recycled = True
                continue
            elif name == b"date":
                has_date = True
            elif name == b"transfer-encoding":
                continue
            lines += (name, b": ", value, b"\r\n")
        head = ResponseHead(status, b"".join(lines), length, varies=False, has_date=has_date)
        self.begin(head, b"", recycled=recycled)

    def begin(self, head: ResponseHead, added: bytes, *, recycled: bool) -> None:
        """Begin the response with `added` header lines. Its head is sent with the first piece of the body."""
        if self.disconnected:
            return
        if self.response_started:
            raise RuntimeError("a second response to one request")
        self.response_started = True
        pieces = self._head
        pieces += (head.lines, added) if head.has_date else (head.lines, added, date_line())
        if self.head.method == "HEAD" or head.status in _WITHOUT_BODY:
            self._has_no_body = True
        elif head.length is not None:
            self._left = self._length = head.length
        elif self.head.fields.version == "1.1":
            self._is_chunked = True
            pieces.append(b"transfer-encoding: chunked\r\n")
        else:
            self._ends_with_connection = True
        if self._connection.closes_after(self, recycled=recycled):
            pieces.append(b"connection: close\r\n")
        pieces.append(b"\r\n")

    def _write(self, body: bytes, *, last: bool) -> None:
        if self.disconnected:
            return
        if not self.response_started or self.response_ended:
            raise RuntimeError("a body without a response")
        left = self._left
        if left is not None:
            self._left = left = left - len(body)
            if left < 0 or (last and left):
                raise RuntimeError("a body that does not have its announced length")
        elif self._has_no_body:
            body = b""
        elif self._is_chunked:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if last:
                body += b"0\r\n\r\n"
        head = self._head
        if head:
            head.append(body)
            body = b"".join(head)
            head.clear()
        if body:
            self._connection.writes.write(body)
        if last:
            self.response_ended = True
            if self._waiter is not None:
                self._wake()
            self._connection.response_ended()
