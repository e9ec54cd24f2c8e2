"""The wire to a MongoDB server, which a test can cut, hold up, and listen to."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from pymongo.uri_parser import parse_uri

CHUNK_BYTES = 65536


class Wire:
    """Passes bytes to the server and back. `said` is what clients have said so far."""

    def __init__(self, server_host: str, server_port: int) -> None:
        self._server = (server_host, server_port)
        self._listener: asyncio.Server | None = None
        self._port = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.said = b""

    def uri(self, given: str, **options: str) -> str:
        """`given`, led over this wire, with `options`."""
        led = re.sub(r"(mongodb://(?:[^@/]*@)?)[^/?]+", rf"\g<1>127.0.0.1:{self._port}", given)
        all_options = "&".join(
            f"{name}={value}" for name, value in {"directConnection": "true", **options}.items()
        )
        return f"{led}{'&' if '?' in led else '?'}{all_options}"

    async def join(self) -> None:
        """Let clients through, on the same port as ever."""
        self._listener = await asyncio.start_server(self._meet, "127.0.0.1", self._port)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End every connection and take no new one, as when the server has stopped."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def hold(self) -> None:
        """Keep connections open and take new ones, but pass nothing on, as when the server hangs."""
        self._flows.clear()

    def release(self) -> None:
        """Pass on what was held up."""
        self._flows.set()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        server_reader, server_writer = await asyncio.open_connection(*self._server)
        try:
            await asyncio.gather(
                self._pass_on(reader, server_writer, listen=True),
                self._pass_on(server_reader, writer, listen=False),
            )
        except asyncio.CancelledError:
            return  # cut: nobody waits for more
        finally:
            for each in (writer, server_writer):
                each.close()
            self._connections.discard(task)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, listen: bool
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK_BYTES):
                if listen:
                    self.said += data
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def open_wire(server_uri: str) -> AsyncIterator[Wire]:
    """A wire to the (first) server that `server_uri` names."""
    host, port = parse_uri(server_uri)["nodelist"][0]
    wire = Wire(host, int(port))
    await wire.join()
    try:
        yield wire
    finally:
        await wire.cut()
