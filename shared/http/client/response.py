"""A response of a service while it arrives."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]
"""Names in lower case, and values."""


class UpstreamResponse:
    """Filled by the connection, read by one reader. `status` is 0 until the head has come.

    `on_continue` is called when the service asks for the body, `on_end` once when the response has come whole
    or failed.
    """

    status = 0
    ended = False
    failure: Exception | None = None
    on_continue: Callable[[], None] | None = None
    on_end: Callable[[], None] | None = None
    _buffered = 0
    _waiter: asyncio.Future[None] | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop, resume: Callable[[], None]) -> None:
        self.headers: Headers = []
        self._loop = loop
        self._resume = resume
        self._pieces: list[bytes] = []

    @property
    def buffered(self) -> int:
        """Bytes that have arrived and were not read."""
        return self._buffered

    def begin(self, status: int, headers: Headers) -> None:
        """The head has arrived."""
        self.status = status
        self.headers = headers
        self._wake()

    def add(self, piece: bytes) -> None:
        """The next piece of the body."""
        self._pieces.append(piece)
        self._buffered += len(piece)
        self._wake()

    def end(self) -> None:
        """The response is complete."""
        self.ended = True
        self._finish()

    def fail(self, failure: Exception) -> None:
        """The response has failed. Only the first failure counts."""
        if self.failure is None and not self.ended:
            self.failure = failure
            self._finish()

    def _finish(self) -> None:
        self._wake()
        if self.on_end is not None:
            on_end, self.on_end = self.on_end, None
            on_end()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def wait_for_head(self) -> None:
        """Return once `status` and `headers` are there.

        Raises:
            UpstreamError: the response failed; or another exception passed to `fail`.
        """
        while not self.status:
            if self.failure is not None:
                raise self.failure
            self._waiter = self._loop.create_future()
            await self._waiter

    async def read(self) -> bytes:
        """Returns the next bytes of the body, at least one; empty at its end.

        Raises:
            UpstreamError: the response is incomplete; or another exception passed to `fail`.
        """
        while not self._pieces:
            if self.failure is not None:
                raise self.failure
            if self.ended:
                return b""
            self._waiter = self._loop.create_future()
            await self._waiter
        return self.take()

    def take(self) -> bytes:
        """What has come of the body since the last call."""
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._buffered = 0
        self._resume()
        return body
