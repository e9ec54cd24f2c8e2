"""The least that a relay in Python can do: `python -m bench.minimal_relay PORT UPSTREAM_PORT`.

Parses requests and responses with httptools and writes their heads again, for GET without a body. It has none
of what makes a gateway: no checks, limits, timeouts, retries, back-pressure, metrics or logs.
"""

import asyncio
import sys
from typing import cast

import httptools
import uvloop

PREFIX = b"/api"


class _Message(asyncio.Protocol):
    """One side of a connection. Header lines are collected as they are written again."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.lines: list[bytes] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines += (name.lower(), b": ", value, b"\r\n")

    def take_lines(self) -> list[bytes]:
        lines, self.lines = self.lines, []
        return lines


class _Upstream(_Message):
    client: asyncio.Transport

    def __init__(self, idle: list["_Upstream"]) -> None:
        self._idle = idle
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._idle.append(self)
        status = b"HTTP/1.1 %d \r\n" % self._parser.get_status_code()
        self.client.write(b"".join([status, *self.take_lines(), b"\r\n", *self._body]))
        self._body.clear()


class _Downstream(_Message):
    def __init__(self, port: int, idle: list[_Upstream]) -> None:
        self._port = port
        self._idle = idle
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url.removeprefix(PREFIX)

    def on_message_complete(self) -> None:
        requested = b"".join([b"GET ", self._path, b" HTTP/1.1\r\n", *self.take_lines(), b"\r\n"])
        self._task = asyncio.get_running_loop().create_task(self._send(requested))

    async def _send(self, requested: bytes) -> None:
        if self._idle:
            upstream = self._idle.pop()
        else:
            loop = asyncio.get_running_loop()
            _, upstream = await loop.create_connection(lambda: _Upstream(self._idle), "127.0.0.1", self._port)
        upstream.client = self.transport
        upstream.transport.write(requested)


async def _serve(port: int, upstream_port: int) -> None:
    idle: list[_Upstream] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Downstream(upstream_port, idle), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
