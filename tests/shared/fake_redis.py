"""A Redis for tests, and one with scripted responses and errors."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from fakeredis import TcpFakeServer


@contextmanager
def fake_redis() -> Iterator[int]:
    """Its port."""
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


FULL = b"OOM command not allowed when used memory > 'maxmemory'."
READ_ONLY = b"READONLY You can't write against a read only replica."


class Refusing:
    """A proxy of a Redis that responds to the `refused` commands with `error`.

    Replies to the `unanswered` commands are lost: Redis executes them, and the connection is closed.
    """

    def __init__(self, port: int) -> None:
        self.url = ""
        self.refused: set[bytes] = set()
        self.error = FULL
        self.unanswered: set[bytes] = set()
        self.connections = 0
        self._port = port
        self._handling: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._handling.add(asyncio.ensure_future(self._relay(reader, writer)))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        is_lost = False

        async def send_request() -> None:
            # The client sends what belongs together in one piece, and nothing more before the response.
            while data := await reader.read(65536):
                nonlocal is_lost
                is_lost = _count(self.unanswered, data) > 0
                if refusals := _count(self.refused, data):
                    writer.write(b"-%s\r\n" % self.error * refusals)
                else:
                    there_writer.write(data)
            there_writer.close()

        async def response() -> None:
            while (data := await there_reader.read(65536)) and not is_lost:
                writer.write(data)
            writer.close()

        await asyncio.gather(send_request(), response())

    async def close(self) -> None:
        for each in self._handling:
            each.cancel()
        await asyncio.gather(*self._handling, return_exceptions=True)


def _count(names: set[bytes], data: bytes) -> int:
    """How many commands with these names `data` has."""
    return sum(data.count(b"$%d\r\n%s\r\n" % (len(name), name)) for name in names)


@asynccontextmanager
async def refusing(port: int) -> AsyncIterator[Refusing]:
    """Before the Redis at `port`; refuses nothing at first."""
    found = Refusing(port)
    server = await asyncio.start_server(found.accept, "127.0.0.1", 0)
    found.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    try:
        yield found
    finally:
        server.close()
        await found.close()
        await server.wait_closed()
