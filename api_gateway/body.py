"""The body of a request while it comes in: counted, limited, kept only when short; and the client leaving."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope

from api_gateway.headers import Framing, framing_of
from shared.errors import MalformedError, TooLargeError

# After an answer that did not wait for the body: read on for a while, so that the client, who may still be
# sending, gets to see the answer before the connection closes under it.
_LINGER_SECONDS: Final = 20.0
_LINGER_IDLE_SECONDS: Final = 2.0
_LINGER_BYTES: Final = 256 * 1024 * 1024
# So little is left that reading it is cheaper than a new connection: the server discards it.
_NEGLIGIBLE_BYTES: Final = 65536

# A body that is announced to be this short is read before the service is asked: who takes their time to send
# it keeps no place at the service meanwhile.
_SHORT_BYTES: Final = 65536
# Only a form with files in it may take as long as uploads may.
_SECONDS_WITHOUT_FILES: Final = 30.0


class ClientLeftError(Exception):
    """The client closed the connection; there is nobody to answer."""


class ClientTooSlowError(Exception):
    """The client did not send its body, or a piece of it, within the time that is waited."""


class BodyTooLargeError(TooLargeError):
    """More bytes than a request may have."""

    code = "body_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"A request may have at most {limit_bytes} bytes")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Largest body of a request, for how long one may stand still, and how long it may take in all."""

    max_bytes: int
    idle_seconds: float
    seconds: float


class IncomingBody:
    """The body of the request of `scope`.

    One reader at a time: `read_if_short`, `chunks`, then either `watch` (it came whole) or `linger` (it is
    not wanted whole).
    """

    def __init__(self, receive: Receive, scope: Scope, limits: BodyLimits) -> None:
        self._receive = receive
        self._limits = limits
        self._received = 0
        self._ahead: list[bytes] = []
        self._deadline: float | None = None
        self._on_failure: Callable[[], None] | None = None
        self._expects_continue = any(name == b"expect" for name, _ in scope["headers"])
        self.is_upload = any(
            name == b"content-type" and value.lower().startswith(b"multipart/")
            for name, value in scope["headers"]
        )
        self.ended = asyncio.Event()
        self.failure: Exception | None = None
        try:
            self.framing = framing_of(scope["headers"], scope["http_version"])
        except MalformedError as failure:
            self.framing = Framing(None)
            self.failure = failure
        if not self.framing.has_body:
            self.ended.set()

    def check(self) -> None:
        """Whether it may be read at all, as far as the headers tell.

        Raises:
            MalformedError, BodyTooLargeError.
        """
        if self.failure is not None:
            raise self.failure
        if self.framing.length is not None and self.framing.length > self._limits.max_bytes:
            raise BodyTooLargeError(self._limits.max_bytes)

    def on_failure(self, act: Callable[[], None]) -> None:
        """`act` is called once when the body turns out to be useless or the client leaves; see `failure`."""
        self._on_failure = act

    @property
    def is_short(self) -> bool:
        """Whether it is announced to be so short that it is read before the service is asked."""
        return self.framing.length is not None and self.framing.length <= _SHORT_BYTES

    async def read_if_short(self) -> None:
        """Read a short body to its end, and leave any other.

        Raises:
            ClientLeftError, ClientTooSlowError, BodyTooLargeError.
        """
        while self.is_short and not self.ended.is_set():
            self._ahead.append(await self._next())

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they come. Whoever passes them on must not let an exception look like their end.

        Raises:
            ClientLeftError, ClientTooSlowError, BodyTooLargeError.
        """
        while self._ahead:
            yield self._ahead.pop(0)
        while not self.ended.is_set():
            if chunk := await self._next():
                yield chunk

    async def _next(self) -> bytes:
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            seconds = self._limits.seconds
            self._deadline = now + (seconds if self.is_upload else min(seconds, _SECONDS_WITHOUT_FILES))
        try:
            async with asyncio.timeout_at(min(now + self._limits.idle_seconds, self._deadline)):
                message = await self._receive()
        except TimeoutError:
            raise self._fail(ClientTooSlowError()) from None
        if message["type"] == "http.disconnect":
            raise self._fail(ClientLeftError())
        chunk: bytes = message.get("body", b"")
        self._received += len(chunk)
        if self._received > self._limits.max_bytes:
            raise self._fail(BodyTooLargeError(self._limits.max_bytes))
        if not message.get("more_body", False):
            if self.framing.length not in (None, self._received):
                raise self._fail(ClientLeftError())
            self.ended.set()
        return chunk

    async def watch(self) -> None:
        """Once the body came whole: wait for the client to leave, which `on_failure` is told."""
        await self.ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._fail(ClientLeftError())

    @property
    def must_close(self) -> bool:
        """Whether an answer begun now leaves so much unread that the connection cannot be used again."""
        if self.ended.is_set():
            return False
        if self.failure is not None:
            return True
        if self.framing.length is None or self._expects_continue:
            return True
        return self.framing.length - self._received > _NEGLIGIBLE_BYTES

    async def linger(self) -> None:
        """Read and forget what still comes, for a bounded while, until the client is done or gone."""
        read = 0
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while read <= _LINGER_BYTES:
                    async with asyncio.timeout(_LINGER_IDLE_SECONDS):
                        message = await self._receive()
                    read += len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return
        except TimeoutError:
            return

    def _fail(self, failure: Exception) -> Exception:
        self.failure = failure
        if self._on_failure is not None:
            self._on_failure()
        return failure
