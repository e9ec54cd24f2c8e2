"""A response of a service while it arrives."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from shared.http.client.errors import BadResponseError

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
    on_taken: Callable[[], None] | None = None
    """Called once when everything that had arrived has been read."""
    headers: Headers
    buffered = 0
    """Bytes that have arrived and were not read."""
    _waiter: asyncio.Future[None] | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """The next piece of the body. Call `arrived` afterwards, or `end` after the last one."""
        self._pieces.append(piece)
        self.buffered += len(piece)

    def arrived(self) -> None:
        """The head is here, and perhaps a part of the body."""
        if self._waiter is not None:
            self._wake(self._waiter)

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
        if self._waiter is not None:
            self._wake(self._waiter)
        if self.on_end is not None:
            on_end, self.on_end = self.on_end, None
            on_end()

    def _wake(self, waiter: asyncio.Future[None]) -> None:
        self._waiter = None
        if waiter.done():
            return  # its task was cancelled
        if self.failure is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(self.failure)

    def wait_for_head(self) -> asyncio.Future[None]:
        """Done once `status` and `headers` are there.

        Raises, when awaited:
            UpstreamError: the response failed; or another exception passed to `fail`.
        """
        waiter = self._waiter = self._loop.create_future()
        if self.status or self.failure is not None:
            self._wake(waiter)
        return waiter

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
        self.buffered = 0
        if self.on_taken is not None:
            on_taken, self.on_taken = self.on_taken, None
            on_taken()
        return body


def announces_end(headers: Headers) -> bool:
    """Whether the head says where the body ends. Otherwise it ends with the connection.

    Raises:
        BadResponseError: two readers could disagree about the end.
    """
    names = dict(headers)
    if b"transfer-encoding" not in names:
        return b"content-length" in names
    if [value.lower() for name, value in headers if name == b"transfer-encoding"] != [b"chunked"]:
        raise BadResponseError
    return True
