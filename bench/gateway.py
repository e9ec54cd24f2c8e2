"""What the gateway costs: requests a second straight to a service, and through the gateway, side by side.

`python -m bench.gateway [seconds]`. Service, gateway and the client that measures are a process each; the
client keeps 32 connections busy and does as little as it can itself.
"""

import asyncio
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

CONNECTIONS = 32
HOME = Path(__file__).parents[1]


class Raw(asyncio.Protocol):
    """A service that answers every GET with as many bytes as its path says, as fast as Python can."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._pending = (self._pending + data).split(b"\r\n\r\n")
        for request in requests:
            found = re.match(rb"GET /songs/(\d+) ", request)
            size = int(found[1]) if found else 0
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))


async def serve_raw() -> None:
    server = await asyncio.get_running_loop().create_server(Raw, "127.0.0.1", 0)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@asynccontextmanager
async def process(*arguments: str, **environment: str) -> AsyncIterator[int]:
    """A Python process that prints the port it listens on."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        env={**os.environ, **environment},
        cwd=HOME,
        stdout=asyncio.subprocess.PIPE,
    )
    output = running.stdout
    if output is None:
        raise RuntimeError("a process without output")
    try:
        port = None
        while port is None:
            line = await output.readline()
            port = re.search(rb"(?:listening on |running on http://127.0.0.1:)(\d+)", line)
        rest = asyncio.create_task(output.read())
        yield int(port[1])
    finally:
        running.terminate()
        await running.wait()
    await rest


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run saw. Milliseconds are those of single requests."""

    requests_per_second: float
    megabytes_per_second: float
    median_milliseconds: float
    p99_milliseconds: float


async def measure(port: int, path: str, size: int, seconds: float) -> Measured:
    """Keep `CONNECTIONS` connections busy with GETs of `path`, which answers `size` bytes."""
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        while (started_at := time.perf_counter()) < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(size)
            times.append(time.perf_counter() - started_at)
            if b"\r\nconnection: close\r\n" in head:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return Measured(
        len(times) / seconds,
        len(times) * size / seconds / 1e6,
        statistics.median(times) * 1000,
        statistics.quantiles(times, n=100)[98] * 1000,
    )


async def compare(seconds: float) -> None:
    async with process("-m", "bench.gateway", "raw") as service:
        url = f"http://127.0.0.1:{service}"
        async with process(
            *("-m", "api_gateway.main"),
            PORT="0",
            LOG_LEVEL="info",
            USER_SERVICE_URL=url,
            SONG_SERVICE_URL=url,
            ALBUM_SERVICE_URL=url,
            FRONTEND_ORIGINS="http://localhost:5173",
        ) as gateway:
            print(f"{'':>28} {'req/s':>8} {'MB/s':>7} {'median ms':>10} {'p99 ms':>8}")
            for size in (1_000, 1_000_000):
                for name, port, prefix in (("direct", service, ""), ("through the gateway", gateway, "/api")):
                    await measure(port, f"{prefix}/songs/{size}", size, seconds / 5)
                    run = await measure(port, f"{prefix}/songs/{size}", size, seconds)
                    print(
                        f"{size:>8} B {name:>19} {run.requests_per_second:>7.0f}"
                        f" {run.megabytes_per_second:>7.0f} {run.median_milliseconds:>10.1f}"
                        f" {run.p99_milliseconds:>8.1f}"
                    )


if __name__ == "__main__":
    if sys.argv[1:] == ["raw"]:
        uvloop.run(serve_raw())
    else:
        uvloop.run(compare(float(sys.argv[1]) if sys.argv[1:] else 5.0))
