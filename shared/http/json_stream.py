"""Streams JSON documents of any length: at most one page of them is in memory.

A failure before the first bytes is an ordinary error response. A later one aborts the response, so that no
client takes an incomplete document for a complete one.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing

from pydantic_core import to_json
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

CHUNK_BYTES = 65_536
"""The size of a chunk: a shorter document is sent only when it is complete."""

JsonPieces = AsyncGenerator[bytes, None]
"""Parts of a JSON text, in order."""


async def json_array(pages: AsyncIterator[Sequence[object]]) -> JsonPieces:
    """The rows of all pages as one array."""
    separator = b"["
    async for page in pages:
        if page:
            yield separator + to_json(list(page))[1:-1]
            separator = b","
    yield b"[]" if separator == b"[" else b"]"


async def json_object(members: Mapping[str, AsyncIterator[bytes] | object]) -> JsonPieces:
    """An object. A member is either an iterator of the pieces of its JSON, or a value to be encoded."""
    separator = b"{"
    for name, member in members.items():
        yield separator + to_json(name) + b":"
        separator = b","
        if isinstance(member, AsyncIterator):
            async for piece in member:
                yield piece
        else:
            yield to_json(member)
    yield b"}"


async def _chunks(pieces: JsonPieces) -> JsonPieces:
    async with aclosing(pieces):
        collected: list[bytes] = []
        size = 0
        async for piece in pieces:
            collected.append(piece)
            size += len(piece)
            if size >= CHUNK_BYTES:
                yield b"".join(collected)
                collected, size = [], 0
        if collected:
            yield b"".join(collected)


class JsonStream(StreamingResponse):
    """A response whose first chunk has been read. Always closes the generator that it reads from."""

    media_type = "application/json"

    def __init__(self, first: bytes, chunks: JsonPieces, headers: Mapping[str, str]) -> None:
        super().__init__(self._all(first, chunks), headers=headers)
        self._chunks = chunks

    @staticmethod
    async def _all(first: bytes, chunks: JsonPieces) -> JsonPieces:
        yield first
        async for chunk in chunks:
            yield chunk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._chunks):
            await super().__call__(scope, receive, send)


async def stream_json(pieces: JsonPieces, headers: Mapping[str, str]) -> JsonStream:
    """The response that sends `pieces`, once the first chunk of them has been read.

    Raises:
        AppError: the first chunk cannot be read.
    """
    chunks = _chunks(pieces)
    return JsonStream(await anext(chunks), chunks, {"Cache-Control": "no-store", **headers})
