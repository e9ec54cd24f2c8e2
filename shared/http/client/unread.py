"""Bytes that a connection had received when it failed."""

import asyncio
import os
from collections.abc import Iterator
from typing import Final

_PIECE_BYTES: Final = 65536
_MAX_BYTES: Final = 1024 * 1024


def unread_bytes(transport: asyncio.BaseTransport) -> Iterator[bytes]:
    """The early response of a service that closed the connection during the request, in pieces.

    Such a response (401, 413) lies in the socket's buffer when the next write fails, and an event loop that
    sees a write fail reads no more. Under TLS the bytes are encrypted, so there is nothing to return.
    """
    if transport.get_extra_info("ssl_object") is not None:
        return
    socket = transport.get_extra_info("socket")
    read = 0
    try:
        while read < _MAX_BYTES and (piece := os.read(socket.fileno(), _PIECE_BYTES)):
            read += len(piece)
            yield piece
    except OSError:
        # Nothing more: the buffer is empty, or what follows is the failure that is being reported.
        return
