"""Decodes request bodies: finds the end of a body in the bytes of the connection.

Chunked coding is decoded here and not by httptools, which bounds neither chunk extensions nor trailers.
"""

import re
from typing import Final, Protocol

from api_gateway.headers import Framing

MAX_CHUNK_LINE_BYTES: Final = 1024
MAX_EXTENSION_BYTES: Final = 16 * 1024
"""Of all chunk extensions of one body."""

_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*((?:;[\t !-~\x80-\xff]*)?)")


class MalformedBodyError(Exception):
    """The body does not follow its framing."""


class ExtensionsTooLargeError(Exception):
    """More chunk extensions than one body may have."""


class TrailersTooLargeError(Exception):
    """More trailers than one body may have."""


class BodyDecoder(Protocol):
    """Fed with the bytes of the connection, in order."""

    ended: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Returns the decoded piece of the body, and the bytes after the end of the body.

        Raises:
            MalformedBodyError, ExtensionsTooLargeError, TrailersTooLargeError.
        """


def decoder_of(framing: Framing, max_trailer_bytes: int) -> BodyDecoder:
    """The decoder of a body that is framed like this."""
    return ChunkedDecoder(max_trailer_bytes) if framing.length is None else LengthDecoder(framing.length)


class LengthDecoder:
    """A body of `length` bytes."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.ended = length == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if len(data) < self._left:
            self._left -= len(data)
            return data, b""
        piece, rest = data[: self._left], data[self._left :]
        self._left = 0
        self.ended = True
        return piece, rest


class ChunkedDecoder:
    """A body in chunks. Trailers are dropped, as RFC 9110, 6.5.1 allows: by them a body would set headers."""

    def __init__(self, max_trailer_bytes: int) -> None:
        self.ended = False
        self._max_trailer_bytes = max_trailer_bytes
        self._left = 0  # of the chunk's data and its line end
        self._line = b""
        self._in_trailers = False
        self._trailer_bytes = 0
        self._extension_bytes = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        pieces: list[bytes] = []
        position = 0
        while position < len(data) and not self.ended:
            if self._left:
                position = self._take_data(data, position, pieces)
            else:
                position = self._take_line(data, position)
        return b"".join(pieces), data[position:]

    def _take_data(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        size = min(self._left - 2, len(data) - position)
        if size > 0:
            pieces.append(data[position : position + size])
            self._left -= size
            return position + size
        if data[position] != (0x0D if self._left == 2 else 0x0A):
            raise MalformedBodyError
        self._left -= 1
        return position + 1

    def _take_line(self, data: bytes, position: int) -> int:
        end = data.find(b"\n", position)
        piece = data[position:] if end < 0 else data[position : end + 1]
        if self._in_trailers:
            self._trailer_bytes += len(piece)
            if self._trailer_bytes > self._max_trailer_bytes:
                raise TrailersTooLargeError
        elif len(self._line) + len(piece) > MAX_CHUNK_LINE_BYTES:
            raise ExtensionsTooLargeError if b";" in self._line + piece else MalformedBodyError
        self._line += piece
        if end >= 0:
            line, self._line = self._line, b""
            if not line.endswith(b"\r\n"):
                raise MalformedBodyError
            self._end_line(line[:-2])
        return position + len(piece)

    def _end_line(self, line: bytes) -> None:
        if self._in_trailers:
            self.ended = not line
            return
        found = _CHUNK_LINE.fullmatch(line)
        if found is None:
            raise MalformedBodyError
        self._extension_bytes += len(found[2])
        if self._extension_bytes > MAX_EXTENSION_BYTES:
            raise ExtensionsTooLargeError
        size = int(found[1], 16)
        if size:
            self._left = size + 2
        else:
            self._in_trailers = True
