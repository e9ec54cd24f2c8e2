"""Idle clients: those that neither read their responses nor send requests."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from api_gateway.downstream.protocol import HttpProtocol
from tests.gateway.gateway import gateway_process, gateway_speaking
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import TEST_TIMEOUT_SECONDS, connect, read_request, request


class Watched(HttpProtocol):
    """Lets a test see the one connection there is, which a few responses that are not read make full."""

    transport_below: asyncio.Transport
    lost: asyncio.Event
    running: set[asyncio.Task[None]]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        type(self).transport_below = cast("asyncio.Transport", transport)
        type(self).running = self.tasks
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


@pytest.fixture(autouse=True)
def lost() -> None:
    """The connection of an earlier test does not count."""
    Watched.lost = asyncio.Event()


@contextmanager
def mute(port: int) -> Iterator[socket.socket]:
    """A connection whose client does not read, and has little room for what it does not read."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        yield client


async def check_cut(caplog: pytest.LogCaptureFixture) -> None:
    """The gateway releases the connection and its requests, and logs no error."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await Watched.lost.wait()
        while Watched.running:  # noqa: ASYNC110 - it is other people's tasks that end
            await asyncio.sleep(0.01)
    assert [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []


@pytest.mark.parametrize("path", ["/health", "/api/nobodys", "/api/songs"])
async def test_client_reading_no_responses_is_disconnected(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        listening(Scripted(plain(b"x" * 10_000)).talk) as there,
        gateway_speaking(Watched, there, idle_timeout_seconds=0.3) as port,
    ):
        with mute(port) as client:
            many = request("GET", path) * 20_000
            sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(client, many))
            await check_cut(caplog)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def test_client_ignoring_a_long_response_is_disconnected(caplog: pytest.LogCaptureFixture) -> None:
    service = Scripted(plain(b"x" * 20_000_000))
    async with (
        listening(service.talk) as there,
        gateway_speaking(Watched, there, idle_timeout_seconds=0.3) as port,
    ):
        with mute(port) as client:
            client.send(request("GET", "/api/songs"))
            await check_cut(caplog)


async def test_finished_connection_ends_despite_unread_responses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are few enough for the write buffer."""
    service = Scripted(plain(b"x" * 10_000))
    async with (
        listening(service.talk) as there,
        gateway_speaking(Watched, there, idle_timeout_seconds=0.3) as port,
    ):
        with mute(port) as client:
            await fill(client, service)
            received = len(service.received)
            client.send(request("GET", "/api/songs", "Connection: close"))
            await check_cut(caplog)
            assert len(service.received) == received + 1


async def test_half_closed_client_not_reading_is_disconnected(caplog: pytest.LogCaptureFixture) -> None:
    service = Scripted(plain(b"x" * 10_000))
    async with (
        listening(service.talk) as there,
        gateway_speaking(Watched, there, idle_timeout_seconds=0.3) as port,
    ):
        with mute(port) as client:
            await fill(client, service)
            client.shutdown(socket.SHUT_WR)
            await check_cut(caplog)


async def fill(client: socket.socket, service: Scripted) -> None:
    """Send requests until the first responses wait in the gateway's write buffer."""
    requested = 0
    while not requested or Watched.transport_below.get_write_buffer_size() == 0:
        client.send(request("GET", "/api/songs"))
        requested += 1
        while len(service.received) < requested:  # noqa: ASYNC110 - over a socket
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.005)
    assert Watched.transport_below.get_write_buffer_size() < 30_000


async def test_slow_reader_stays_connected() -> None:
    body = b"x" * 3_000_000
    service = Scripted(plain(body))
    async with (
        listening(service.talk) as there,
        gateway_speaking(Watched, there, idle_timeout_seconds=1.5) as port,
        connect(port) as client,
    ):
        await client.write(request("GET", "/api/songs", "Connection: close"))
        await client.reader.readuntil(b"\r\n\r\n")
        for _ in range(30):
            assert await client.reader.readexactly(100_000) == body[:100_000]
            await asyncio.sleep(0.1)
        assert await client.at_end()


async def test_client_not_reading_does_not_block_shutdown() -> None:
    service = Scripted(plain(b"x" * 20_000_000))
    async with (
        listening(service.talk) as there,
        gateway_process(there, IDLE_TIMEOUT_SECONDS="0.5") as running,
    ):
        with mute(running.port) as client:
            client.send(request("GET", "/api/songs"))
            await asyncio.sleep(0.2)
            running.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                assert await running.process.wait() == -signal.SIGTERM


class BrieflyKept(HttpProtocol):
    """Keeps idle connections for a short while only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keep_alive_seconds = 0.4


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (request("GET", "/livez"), b""),
        (request("GET", "/livez"), b"\r\n"),
        (request("POST", "/api/nobodys", "Content-Length: 60000") + b"abc", b"d"),
    ],
)
async def test_stray_bytes_do_not_extend_keep_alive(first: bytes, then: bytes) -> None:
    async with gateway_speaking(BrieflyKept, 1) as port, connect(port) as client:
        await client.write(first)
        await client.response()
        end = asyncio.create_task(client.reader.read(1))
        async with asyncio.timeout(30):
            while not end.done():
                client.writer.write(then)
                await asyncio.sleep(0.1)
        assert await end == b""


async def test_head_begun_before_last_response_gets_longer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        await asyncio.sleep(0.8)
        writer.write(plain(b"slow"))

    async with (
        listening(talk) as there,
        gateway_speaking(BrieflyKept, there) as port,
        connect(port) as client,
    ):
        slow = request("GET", "/api/songs")
        await client.write(request("GET", "/livez") + slow[:5])
        assert (await client.response()).status == 200
        await client.write(slow[5:])
        assert (await client.response()).body == b"slow"
