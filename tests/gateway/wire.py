"""HTTP/1.1 by hand: what a client writes and sees byte by byte, and what a service receives."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

TEST_TIMEOUT_SECONDS = 30.0
"""After this a test fails that still waits. Long, so that only a fault takes so long."""
PIECE = b"x" * 65536
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BrokenOffError(Exception):
    """The connection ended in the middle of a message."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Header lines in their order, names in lower case."""

    lines: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.lines if each == name]

    def get(self, name: str) -> str | None:
        """The only value of `name`; None when it is not there."""
        found = self.all(name)
        assert len(found) < 2, f"{name} is there {len(found)} times"
        return found[0] if found else None

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.lines}


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as a service receives it. `complete` is false when the connection ended within the body."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """A response as a client sees it."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)


def check_problem(response: Response, status: int, code: str) -> None:
    """It is a problem document of the gateway's server, which closes the connection."""
    problem = json.loads(response.body)
    assert (response.status, problem["status"], problem["code"]) == (status, status, code)
    assert problem["error"] == problem["detail"]
    assert problem["requestId"] == response.headers.get("x-request-id")
    assert response.headers.get("content-type") == "application/problem+json"
    assert response.headers.get("connection") == "close"
    assert response.headers.get("date")


async def read_head(reader: asyncio.StreamReader) -> tuple[str, Headers]:
    """The first line of a message, and its headers."""
    try:
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        raise BrokenOffError(end.partial) from None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, Headers(tuple((name.lower(), value.strip()) for name, _, value in pairs))


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    """One chunk of a chunked body; empty at its end."""
    try:
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            size = int(await reader.readuntil(b"\r\n"), 16)
            return (await reader.readexactly(size + 2))[:-2]
    except asyncio.IncompleteReadError as end:
        raise BrokenOffError(end.partial) from None


async def read_body(reader: asyncio.StreamReader, headers: Headers) -> bytes:
    """The whole body that `headers` announce. Without a length there is none."""
    if headers.get("transfer-encoding") == "chunked":
        chunks = []
        while chunk := await read_chunk(reader):
            chunks.append(chunk)
        return b"".join(chunks)
    try:
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            return await reader.readexactly(int(headers.get("content-length") or 0))
    except asyncio.IncompleteReadError as end:
        raise BrokenOffError(end.partial) from None


def allow_body(headers: Headers, writer: asyncio.StreamWriter) -> None:
    """Ask for the body of a request that waits for it, as uvicorn does when the app begins to read."""
    if headers.get("expect") == "100-continue":
        writer.write(CONTINUE)


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> ReceivedRequest:
    """The next request on a connection, whole if it comes whole."""
    first, headers = await read_head(reader)
    allow_body(headers, writer)
    method, target, _ = first.split(" ")
    try:
        return ReceivedRequest(method, target, headers, await read_body(reader, headers))
    except BrokenOffError as end:
        return ReceivedRequest(method, target, headers, end.args[0], complete=False)


class Client:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def response(self, method: str = "GET") -> Response:
        """The next final response."""
        while True:
            first, headers = await read_head(self.reader)
            status = int(first.split(" ")[1])
            if status >= 200:
                break
        without_body = method == "HEAD" or status in (204, 304)
        return Response(status, headers, b"" if without_body else await read_body(self.reader, headers))

    async def push(self, total: int, *, chunked: bool) -> int:
        """Send a body of `total` bytes without reading a response; returns how many could be sent."""
        sent = 0
        try:
            while sent < total:
                await self.write(b"10000\r\n" + PIECE + b"\r\n" if chunked else PIECE)
                sent += len(PIECE)
            if chunked:
                await self.write(b"0\r\n\r\n")
        except ConnectionError:
            return sent
        return sent

    async def pieces(self, pieces: Iterable[bytes]) -> None:
        """Send each so that it comes on its own."""
        for piece in pieces:
            await self.write(piece)
            await asyncio.sleep(0.02)

    async def flood(self, piece: bytes) -> int:
        """Send `piece` for as long as the gateway takes it, or 20 MB; how many bytes it took."""
        taken = 0
        try:
            while taken < 20_000_000:
                await self.write(piece)
                taken += len(piece)
                await asyncio.sleep(0)
        except ConnectionError:
            return taken
        return taken

    async def at_end(self) -> bool:
        """Whether the server closes the connection without another byte."""
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            return await self.reader.read(1) == b""


@asynccontextmanager
async def connect(port: int) -> AsyncIterator[Client]:
    """A connection to 127.0.0.1."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


def request(method: str, target: str, *lines: str, body: bytes = b"") -> bytes:
    """The bytes of a request; with a body, its length is added."""
    length = (f"Content-Length: {len(body)}",) if body else ()
    head = "\r\n".join((f"{method} {target} HTTP/1.1", "Host: gateway.test", *lines, *length, "", ""))
    return head.encode("utf-8") + body


async def send_request(port: int, method: str, target: str, *lines: str, body: bytes = b"") -> Response:
    """One request on a connection of its own."""
    async with connect(port) as client:
        await client.write(request(method, target, *lines, body=body))
        return await client.response(method)
