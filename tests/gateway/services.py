"""Services to stand behind the gateway, written on bare sockets so that they can misbehave."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

from tests.gateway.wire import BrokenOffError, ReceivedRequest, read_request

Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(talk: Talk, port: int = 0) -> AsyncIterator[int]:
    """A server on 127.0.0.1 that talks to each connection and closes it; yields its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, BrokenOffError):
            return
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection with a reset."""
    connected = writer.get_extra_info("socket")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def plain(body: bytes = b"{}", *lines: str, status: str = "200 OK") -> bytes:
    """The bytes of a response with a length."""
    head = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", "")
    return "\r\n".join(head).encode("utf-8") + body


class Scripted:
    """A well-behaved service: records requests and responds with the given bytes."""

    def __init__(self, response: bytes | Callable[[ReceivedRequest], bytes] = plain()) -> None:  # noqa: B008 - immutable
        self._response = response
        self.received: list[ReceivedRequest] = []
        self.connections = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            received = await read_request(reader, writer)
            self.received.append(received)
            if not received.complete:
                return
            response = self._response if isinstance(self._response, bytes) else self._response(received)
            writer.write(
                response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if received.method == "HEAD" else response
            )
            await writer.drain()

    @property
    def last(self) -> ReceivedRequest:
        return self.received[-1]


async def closed_port() -> int:
    """A port where nobody listens."""
    async with listening(Scripted().talk) as port:
        return port
