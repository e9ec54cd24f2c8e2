"""The body of a request: its limits depend on the route and on whether a token is sent.

Only a few routes take uploads. Every other body is small and is read whole before the service is called, so
that a slow client holds no permit at the service. An upload is streamed after the service has requested it:
see `upload.py`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from api_gateway.downstream.exchange import Exchange
from api_gateway.ports import ApiRequest
from api_gateway.route_table import is_upload
from shared.errors import TooLargeError
from shared.http.body_limit import MAX_JSON_BYTES

MEGABYTE: Final = 1024 * 1024

ANONYMOUS_BODY_SECONDS: Final = 10.0
BUFFERED_BODY_SECONDS: Final = 30.0
MAX_BUFFERED_BYTES: Final = MAX_JSON_BYTES
"""The limit of every body that is no upload."""
_WITHOUT_MEANING: Final = frozenset({"GET", "HEAD"})
"""Methods whose bodies no service reads. A large one is not read here either."""
_BUFFERED_UPLOAD_BYTES: Final = 64 * 1024
"""An upload that is announced to be this short is read before the service is called, like any other body."""
_COUNTED_BYTES: Final = 4096
"""Bodies below this are not counted for their client."""


class BodyError(Exception):
    """The body cannot be read completely."""


class ClientDisconnectedError(BodyError):
    """The client closed the connection; no response can be sent."""


class ClientTooSlowError(BodyError):
    """The client did not send its body, or a piece of it, in time."""


class BodyBufferFullError(BodyError):
    """Too many bodies are being received now, from this client or from all."""


class UploadTooLargeError(BodyError, TooLargeError):
    """More bytes than an upload may have."""

    code = "body_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"A request may have at most {limit_bytes} bytes")


class BodyTooLargeError(BodyError, TooLargeError):
    """More bytes than other bodies may have: the same error as from a service."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"Too large; at most {limit_bytes // MEGABYTE} MB are accepted")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Largest upload, longest pause in a body, and how long an upload may take."""

    max_upload_bytes: int
    idle_seconds: float
    upload_seconds: float


class BodyBuffer:
    """How many bytes of bodies may be held in this process, in all and for each client address."""

    def __init__(self, total_bytes: int, per_client_bytes: int) -> None:
        self._left = total_bytes
        self._per_client_bytes = per_client_bytes
        self._of_client: dict[str, int] = {}

    def take(self, client: str, size: int) -> None:
        """Raises BodyBufferFullError."""
        held = self._of_client.get(client, 0) + size
        if size > self._left or held > self._per_client_bytes:
            raise BodyBufferFullError
        self._left -= size
        self._of_client[client] = held

    def give_back(self, client: str, size: int) -> None:
        """Release held bytes."""
        self._left += size
        held = self._of_client[client] - size
        if held:
            self._of_client[client] = held
        else:
            del self._of_client[client]


class RequestBody:
    """The body of one request. Read by `read_all` or by `pieces`, as `is_streamed` says."""

    def __init__(
        self, exchange: Exchange, request: ApiRequest, limits: BodyLimits, buffer: BodyBuffer
    ) -> None:
        """Raises UploadTooLargeError or BodyTooLargeError if the announced length is too large."""
        self._exchange = exchange
        self._buffer = buffer
        self._client = request.client_address
        self._taken = 0
        self._idle_seconds = limits.idle_seconds
        fields = exchange.head.fields
        length = fields.framing.length
        is_short = length is not None and length <= _BUFFERED_UPLOAD_BYTES
        is_ignored = request.method in _WITHOUT_MEANING and (length is None or length > MAX_BUFFERED_BYTES)
        is_authenticated = any(name == b"authorization" for name, _ in request.headers)
        self.length = length
        self.is_upload = is_upload(request.method, request.target)
        self.is_streamed = is_ignored or (self.is_upload and (not is_short or fields.expects_continue))
        if self.is_upload or is_ignored:
            self._seconds = limits.upload_seconds
            self._too_large: BodyError = UploadTooLargeError(limits.max_upload_bytes)
            self._max_bytes = limits.max_upload_bytes
        else:
            most_seconds = BUFFERED_BODY_SECONDS if is_authenticated else ANONYMOUS_BODY_SECONDS
            self._seconds = min(most_seconds, limits.upload_seconds)
            self._too_large = BodyTooLargeError(MAX_BUFFERED_BYTES)
            self._max_bytes = MAX_BUFFERED_BYTES
        if length is not None and length > self._max_bytes:
            raise self._too_large

    async def read_all(self) -> bytes:
        """The whole body. Its bytes are held until `close`.

        Raises:
            BodyError: the body cannot be read completely.
        """
        if self._exchange.body_ended:
            return self._take(0)
        self._exchange.send_continue()
        return b"".join([piece async for piece in self.pieces(hold=True)])

    async def pieces(self, *, hold: bool = False) -> AsyncIterator[bytes]:
        """Yields the bytes as they arrive. Callers must not treat an exception as the end of the body.

        Raises:
            BodyError: the body cannot be read completely.
        """
        exchange = self._exchange
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds
        received = 0
        while True:
            try:
                async with asyncio.timeout_at(min(end, loop.time() + self._idle_seconds)):
                    await exchange.wait_for_body()
            except TimeoutError:
                raise ClientTooSlowError from None
            has_ended = exchange.body_ended
            if exchange.disconnected and not has_ended:
                raise ClientDisconnectedError
            if piece := self._take(received, hold=hold):
                received += len(piece)
                yield piece
            if has_ended:
                return

    def _take(self, received: int, *, hold: bool = True) -> bytes:
        piece = self._exchange.take_body()
        if received + len(piece) > self._max_bytes:
            raise self._too_large
        if hold and received + len(piece) > _COUNTED_BYTES:
            self._buffer.take(self._client, len(piece))
            self._taken += len(piece)
        return piece

    def close(self) -> None:
        """Release the bytes of a body that was read whole."""
        if self._taken:
            self._buffer.give_back(self._client, self._taken)
            self._taken = 0
