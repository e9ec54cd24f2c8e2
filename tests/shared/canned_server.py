"""A server on a real socket that responds to every request with the same bytes, valid HTTP or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class CannedServer:
    """`response` is what it sends, verbatim, before it closes; None keeps the client waiting. `kept_waiting`
    counts such clients.

    It waits `delay_seconds` first.
    """

    def __init__(self, response: bytes | None) -> None:
        self.response = response
        self.delay_seconds = 0.0
        self.requests: list[bytes] = []
        self.kept_waiting = 0
        self.url = ""
        self.handling: set[asyncio.Task[None]] = set()

    async def hang_up(self) -> None:
        """Cut off the clients that still wait."""
        for each in self.handling:
            each.cancel()
        await asyncio.gather(*self.handling, return_exceptions=True)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head)
            lengths = [
                line.split(b":")[1]
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            ]
            await reader.readexactly(int(lengths[0]) if lengths else 0)
            await asyncio.sleep(self.delay_seconds)
            if self.response is None:
                self.kept_waiting += 1
                await reader.read()
            else:
                writer.write(self.response)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


def http_response(
    status: int, body: bytes, header: str = "Content-Type: application/json", *, keep_alive: bool = False
) -> bytes:
    """A complete HTTP response."""
    connection = "keep-alive" if keep_alive else "close"
    head = (
        f"HTTP/1.1 {status} X\r\n{header}\r\nContent-Length: {len(body)}\r\nConnection: {connection}\r\n\r\n"
    )
    return head.encode() + body


CUT_SHORT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"

UNUSABLE: dict[str, bytes | None] = {
    "hangs": None,
    "hangs up": b"",
    "is cut short": CUT_SHORT,
    "is no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "is no JSON": http_response(200, b"<html>maintenance</html>", "Content-Type: text/html"),
    "is empty": http_response(200, b""),
    "is no text": http_response(200, b"\xff\xfe\x00"),
    "is no object": http_response(200, b'"ok"'),
    "is a number": http_response(200, b"7"),
    "is null": http_response(200, b"null"),
    "is an empty object": http_response(200, b"{}"),
    "is an empty list": http_response(200, b"[]"),
    "leads in circles": http_response(302, b"", "Location: /again"),
    "is garbled gzip": http_response(200, b"abc", "Content-Encoding: gzip"),
    **{
        f"is {status}": http_response(status, b'{"error": {"message": "no"}}')
        for status in (401, 403, 429, 500, 502, 503)
    },
    "is 503 of a proxy": http_response(503, b"<html>", "Content-Type: text/html"),
}


def timeout_seconds_for(odd: str) -> float:
    """Short where a client has to run into its timeout; what is sent at once may come slowly."""
    return 0.3 if UNUSABLE[odd] is None else 30


@asynccontextmanager
async def canned_server(responses: bytes | None) -> AsyncIterator[CannedServer]:
    """Running until the end of the block; clients that still wait are cut off then."""
    odd = CannedServer(responses)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        odd.handling.add(asyncio.ensure_future(odd.handle(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    odd.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield odd
    finally:
        server.close()
        await odd.hang_up()
        await server.wait_closed()
