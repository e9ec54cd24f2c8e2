"""What a client has been sent and has not read: bounded for each response and in all.

Up to a bound a response is taken from its service although its client reads slowly, so that the service is
free for the next request. asyncio alone waits for as long as it takes until what was written has gone out.
"""

import asyncio
from typing import Final

import structlog

from api_gateway.deadline import Deadline

MIN_PROGRESS_BYTES: Final = 64 * 1024
"""What a client that is behind has to read within the idle timeout, if so much is waiting."""

MAX_RESPONSE_BYTES: Final = 2 * 1024 * 1024
"""The longest response that is buffered whole."""
_MAX_PART_BYTES: Final = 256 * 1024
"""What is buffered of a response that is longer, or whose length is not known."""

log = structlog.stdlib.get_logger(__name__)


class ResponseBuffer:
    """How many bytes of responses may wait in this process for clients that are behind."""

    def __init__(self, total_bytes: int) -> None:
        self._left = total_bytes

    def take(self, size: int) -> bool:
        """Whether `size` more bytes may wait."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """They wait no more."""
        self._left += size


class WriteBuffer:
    """The written bytes of one connection. The connection is aborted when its client stops reading."""

    def __init__(self, transport: asyncio.Transport, budget: ResponseBuffer, idle_seconds: float) -> None:
        self.is_full = False
        self._transport = transport
        self._budget = budget
        self._reserved = 0
        self._idle_seconds = idle_seconds
        self._loop = asyncio.get_running_loop()
        self._drained: asyncio.Future[None] | None = None
        self._deadline: Deadline | None = None
        self._written = 0
        self._read_at_last_check = 0

    def write(self, data: bytes) -> None:
        """Send it as soon as the client reads. Nothing happens on a connection that is being closed."""
        if not self._transport.is_closing():
            self._written += len(data)
            self._transport.write(data)

    async def make_room(self, size: int, response_bytes: int | None) -> None:
        """Return when `size` bytes may be written, or the connection is lost.

        `response_bytes` is the length of the whole body, where it is known.
        """
        may_buffer_whole = response_bytes is not None and response_bytes <= MAX_RESPONSE_BYTES
        most = MAX_RESPONSE_BYTES if may_buffer_whole else _MAX_PART_BYTES
        while self.is_full:
            if self._reserved + size <= most and self._budget.take(size):
                self._reserved += size
                return
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def pause(self) -> None:
        """The client is behind."""
        self.is_full = True
        self._watch()

    def resume(self) -> None:
        """The client has caught up."""
        self.is_full = False
        self._release()
        if self._deadline is not None and not self._transport.is_closing():
            self._deadline.stop()

    def closing(self) -> None:
        """The connection ends once everything is read."""
        if self._transport.get_write_buffer_size():
            self._watch()

    def lost(self) -> None:
        """There is no connection any more."""
        self.is_full = False
        self._release()
        if self._deadline is not None:
            self._deadline.close()

    def _release(self) -> None:
        if self._reserved:
            self._budget.give_back(self._reserved)
            self._reserved = 0
        if self._drained is not None:
            drained, self._drained = self._drained, None
            drained.set_result(None)

    def _watch(self) -> None:
        if self._deadline is None:
            self._deadline = Deadline(self._loop, self._check)
        if not self._deadline.is_running:
            self._read_at_last_check = self._written - self._transport.get_write_buffer_size()
            self._deadline.start(self._idle_seconds)

    def _check(self) -> None:
        waiting = self._transport.get_write_buffer_size()
        if not waiting:
            return
        if self._written - waiting - self._read_at_last_check < MIN_PROGRESS_BYTES:
            log.info("the client stopped reading")
            self._transport.abort()
        else:
            self._watch()
