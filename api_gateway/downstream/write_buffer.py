"""Buffers responses for clients that read slowly: bounded per response and in total.

Up to a limit a response is read from its service faster than the client reads it, so that the service is free
for the next request. asyncio alone waits without a timeout until the client has read.
"""

import asyncio
import socket
import struct
from typing import Final

import structlog

from shared.deadline import Deadline
from shared.http.write_batch import WriteBatch

MIN_PROGRESS_BYTES: Final = 64 * 1024
"""The minimum that a slow client has to read within the idle timeout, if so much is buffered."""

MAX_RESPONSE_BYTES: Final = 2 * 1024 * 1024
"""The longest response that is buffered whole."""
_MAX_PART_BYTES: Final = 256 * 1024
"""The buffer for a longer response, or one of unknown length."""

log = structlog.stdlib.get_logger(__name__)


class ResponseBuffer:
    """The limit of buffered bytes in this process, for all clients together.

    When it is full, the client that has been reading for longest loses its connection: slow clients would
    otherwise keep the service from all others, however many permits it has.
    """

    def __init__(self, total_bytes: int) -> None:
        self._left = total_bytes
        self._held: dict[WriteBuffer, int] = {}  # by the time of their first reservation

    def reserve(self, holder: "WriteBuffer", size: int) -> bool:
        """Reserve `size` more bytes for `holder`; returns whether there is room."""
        while size > self._left:
            oldest = next(iter(self._held), holder)
            if oldest is holder:
                return False
            oldest.evict()
        self._left -= size
        self._held[holder] = self.held_by(holder) + size
        return True

    def held_by(self, holder: "WriteBuffer") -> int:
        """How many bytes are reserved for `holder`."""
        return self._held.get(holder, 0)

    def release(self, holder: "WriteBuffer") -> None:
        """Release what is reserved for `holder`."""
        self._left += self._held.pop(holder, 0)


class WriteBuffer:
    """The written bytes of one connection. The connection is aborted when its client stops reading."""

    def __init__(
        self,
        transport: asyncio.Transport,
        budget: ResponseBuffer,
        write_batch: WriteBatch,
        idle_seconds: float,
    ) -> None:
        self.is_full = False
        self._transport = transport
        self._write_batch = write_batch
        self._unsent = b""
        self._budget = budget
        self._idle_seconds = idle_seconds
        self._loop = asyncio.get_running_loop()
        self._drained: asyncio.Future[None] | None = None
        self._deadline: Deadline | None = None
        self._written = 0
        self._read_at_last_check = 0

    def write(self, data: bytes) -> None:
        """Send it as soon as the client reads. Does nothing on a connection that is being closed."""
        if self._unsent:
            self.flush()
        if not self._transport.is_closing():
            self._written += len(data)
            self._transport.write(data)

    def write_soon(self, data: bytes) -> None:
        """Send it with the next batch, or before the next `write`. `is_full` ignores it until then."""
        if not self._unsent:
            self._write_batch.add(self.flush)
        self._unsent += data

    def flush(self) -> None:
        """Write what waits for the batch now. Needed before the transport is closed other than by `close`."""
        if self._unsent:
            data, self._unsent = self._unsent, b""
            self.write(data)

    async def make_room(self, size: int, response_bytes: int | None) -> None:
        """Wait until `size` bytes may be written, or the connection is lost.

        `response_bytes` is the length of the whole body, where it is known.
        """
        may_buffer_whole = response_bytes is not None and response_bytes <= MAX_RESPONSE_BYTES
        most = MAX_RESPONSE_BYTES if may_buffer_whole else _MAX_PART_BYTES
        while self.is_full:
            if self._budget.held_by(self) + size <= most and self._budget.reserve(self, size):
                return
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def pause(self) -> None:
        """The transport's buffer is full."""
        self.is_full = True
        self._watch()

    def resume(self) -> None:
        """The transport's buffer has drained."""
        self.is_full = False
        self._release()
        if self._deadline is not None and not self._transport.is_closing():
            self._deadline.stop()

    def evict(self) -> None:
        """Abort the connection in favour of another."""
        log.warning("the buffer for slow clients is full")
        self._transport.abort()
        self._release()

    def close(self) -> None:
        """Close the connection after everything is read."""
        self.flush()
        self._transport.close()
        self.closing()

    def reset(self) -> None:
        """Close the connection at once, with a reset: a close would end the body for the client."""
        connected = self._transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def closing(self) -> None:
        """The connection closes after everything is read."""
        if self._transport.get_write_buffer_size():
            self._watch()

    def lost(self) -> None:
        """The connection is lost."""
        self.is_full = False
        self._release()
        if self._deadline is not None:
            self._deadline.close()

    def _release(self) -> None:
        self._budget.release(self)
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
