"""Hearing a service out that answers and hangs up while it is still being written to.

Such an answer (401, 413) lies in the socket's buffer when the next write fails, and an event loop that sees a
write fail reads no more: the answer would be lost, and the client told that the service gave none.
"""

import os

from aiohttp.client_proto import ResponseHandler

_PIECE_BYTES = 65536
_ENOUGH_BYTES = 1024 * 1024


class AttentiveHandler(ResponseHandler):
    """aiohttp's side of a connection to a service; reads what is left before it reports a failure."""

    def connection_lost(self, exc: BaseException | None) -> None:
        if isinstance(exc, OSError):
            self._hear_out()
        super().connection_lost(exc)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        if isinstance(exc, ConnectionError | OSError) and not isinstance(exc, TimeoutError):
            self._hear_out()
        super().set_exception(exc, *cause)

    def _hear_out(self) -> None:
        """Read what has arrived; harmless when that is nothing. Under TLS the bytes would say nothing."""
        transport = self.transport
        if transport is None or transport.get_extra_info("ssl_object") is not None:
            return
        socket = transport.get_extra_info("socket")
        heard = 0
        try:
            while heard < _ENOUGH_BYTES and (piece := os.read(socket.fileno(), _PIECE_BYTES)):
                heard += len(piece)
                self.data_received(piece)
        except OSError:
            # Nothing more: the buffer is empty, or what follows is the failure that is being reported.
            return
