"""Servers to compare with: uvicorn with a bare ASGI app, and a raw service with responses of any size.

`python -m bench.baseline asgi PORT BODY_FILE` sends the bytes of the file in every response, which is the
most that uvicorn can do; `python -m bench.baseline raw PORT` responds to `GET …/{size}` with as many bytes.
"""

import asyncio
import re
import sys
from pathlib import Path
from typing import cast

import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send


def bare_app(body: bytes) -> ASGIApp:
    """An ASGI app without routes, middleware or framework."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"etag", b'"0123456789abcdef0123456789abcdef"'),
        (b"cache-control", b"private, no-cache"),
        (b"vary", b"Authorization, Origin"),
    ]

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return app


class RawService(asyncio.Protocol):
    """Responds to every GET with as many bytes as its path says, as fast as Python can."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._pending = (self._pending + data).split(b"\r\n\r\n")
        for request in requests:
            found = re.match(rb"GET \S*?/songs/(\d+) ", request)
            size = int(found[1]) if found else 0
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))


async def _serve_raw(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(RawService, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "raw":
        uvloop.run(_serve_raw(int(sys.argv[2])))
    else:
        uvicorn.run(
            bare_app(Path(sys.argv[3]).read_bytes()),
            port=int(sys.argv[2]),
            access_log=False,
            log_level="warning",
            server_header=False,
            lifespan="off",
        )
