"""The concurrency limiter: when requests hold permits at a service, and when they release them."""

import asyncio
import json
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from tests.gateway.gateway import gateway, gateway_process
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import (
    TEST_TIMEOUT_SECONDS,
    connect,
    read_head,
    read_request,
    request,
    send_request,
)

CHUNKED = request("POST", "/api/songs", "Transfer-Encoding: chunked")
HALF = b"4\r\nhalf\r\n"


async def until(true: Callable[[], bool]) -> None:
    """Wait until `true` is."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        while not true():  # noqa: ASYNC110 - it is the other side of a connection that changes
            await asyncio.sleep(0.01)


async def test_small_pending_body_holds_no_permit() -> None:
    async with (
        listening(Scripted().talk) as there,
        gateway(there, max_connections_per_service=1, pool_timeout_seconds=20) as port,
        connect(port) as slow,
    ):
        await slow.write(request("POST", "/api/songs/batch", "Content-Length: 60000") + b"{")
        # The gateway has read it once it has served a later client.
        assert (await send_request(port, "GET", "/health")).status == 200
        assert (await send_request(port, "GET", "/api/songs")).status == 200


async def test_slow_small_body_is_relayed_complete() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as slow:
        await slow.write(request("POST", "/api/songs/batch", "Content-Length: 12"))
        for piece in (b'{"id', b's": ', b"[]} "):
            await slow.write(piece)
            await asyncio.sleep(0.05)
        assert (await slow.response()).status == 200
    assert [received.body for received in service.received] == [b'{"ids": []} ']


async def test_uploads_use_at_most_half_the_permits() -> None:
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, max_connections_per_service=2, pool_timeout_seconds=1) as port,
        connect(port) as slow,
    ):
        await slow.write(CHUNKED + HALF)
        await until(lambda: service.connections == 1)
        async with connect(port) as second:
            await second.write(CHUNKED + HALF + b"0\r\n\r\n")
            refused = await second.response()
        assert refused.status == 503
        assert refused.headers.get("retry-after") == "5"
        assert json.loads(refused.body)["code"] == "service_unreachable"
        assert (await send_request(port, "GET", "/api/songs")).status == 200
        await slow.write(b"0\r\n\r\n")
        assert (await slow.response()).status == 200
        assert (await send_request(port, "POST", "/api/songs", body=b"x" * 100_000)).status == 200


async def test_undecided_uploads_have_a_limit_of_their_own() -> None:
    """Each takes a connection of its own to the service, for a token that nobody has verified yet."""
    decide = asyncio.Event()
    uploads = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal uploads
        first_line, _ = await read_head(reader)
        if not first_line.startswith("POST"):
            writer.write(plain())
            return
        uploads += 1
        await decide.wait()
        writer.write(plain(status="401 Unauthorized"))

    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(listening(talk))
        port = await stack.enter_async_context(gateway(there, max_connections_per_service=160))
        clients = [await stack.enter_async_context(connect(port)) for _ in range(40)]
        for each in clients:
            await each.write(CHUNKED + HALF)
        await until(lambda: uploads == 10)
        assert (await send_request(port, "GET", "/api/songs")).status == 200
        assert uploads == 10
        decide.set()
        for each in clients:
            assert (await read_head(each.reader))[0] == "HTTP/1.1 401 Unauthorized"
    assert uploads == 40


async def test_early_response_releases_the_permit() -> None:
    """An anonymous upload is refused at its head, and its client may continue to send."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(plain(status="401 Unauthorized"))
        await writer.drain()
        await reader.read()

    async with (
        listening(talk) as there,
        gateway(there, max_connections_per_service=2, pool_timeout_seconds=20) as port,
        connect(port) as first,
        connect(port) as second,
        connect(port) as third,
    ):
        for each in (first, second, third):
            await each.write(CHUNKED + HALF)
            assert (await read_head(each.reader))[0] == "HTTP/1.1 401 Unauthorized"


@pytest.mark.parametrize(
    ("limit", "status"),
    [({"max_body_bytes": 1000}, "413 "), ({"idle_timeout_seconds": 0.2}, "408 ")],
    ids=["too large", "too slow"],
)
async def test_refused_body_releases_the_permit(limit: dict[str, object], status: str) -> None:
    """The client may continue to send for a while, so that it reads the refusal."""
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, max_connections_per_service=2, pool_timeout_seconds=20, **limit) as port,
        connect(port) as refused,
    ):
        await refused.write(CHUNKED + HALF)
        if status == "413 ":
            await refused.write(b"7d0\r\n" + b"x" * 2000 + b"\r\n")
        assert status in (await read_head(refused.reader))[0]
        async with connect(port) as next_one:
            await next_one.write(CHUNKED + HALF + b"0\r\n\r\n")
            assert (await next_one.response()).status == 200


async def test_permit_timeout_does_not_open_the_breaker() -> None:
    """The breaker stays closed: the next request passes as soon as a permit is free."""
    go_on = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader, writer)
            await go_on.wait()
            writer.write(plain())

    async with (
        listening(talk) as there,
        gateway(
            there, max_connections_per_service=1, pool_timeout_seconds=0.3, breaker_minimum_calls=1
        ) as port,
        connect(port) as first,
    ):
        await first.write(request("GET", "/api/songs"))
        for _ in range(5):
            assert (await send_request(port, "GET", "/api/songs")).status == 503
        go_on.set()
        assert (await first.response()).status == 200
        assert (await send_request(port, "GET", "/api/songs")).status == 200


async def test_client_lost_during_response_start_releases_its_permit() -> None:
    """The gateway sees both in one iteration of its event loop."""
    begun: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await read_request(reader, writer)).target
        if target == "/songs/lost":
            begun.put_nowait(writer)
            await reader.read()
        else:
            writer.write(plain(b"{}"))
        writer.close()

    settings = {"MAX_CONNECTIONS_PER_SERVICE": "5", "POOL_TIMEOUT_SECONDS": "1"}
    async with (
        asyncio.timeout(TEST_TIMEOUT_SECONDS),
        listening(talk) as there,
        gateway_process(there, **settings) as running,
    ):
        for _ in range(5):
            client = socket.create_connection(("127.0.0.1", running.port))
            client.sendall(request("GET", "/api/songs/lost"))
            service = await begun.get()
            running.process.send_signal(signal.SIGSTOP)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            await asyncio.sleep(0.03)
            service.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
            await asyncio.sleep(0.05)
            running.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.2)
        await asyncio.sleep(1)
        assert (await send_request(running.port, "GET", "/api/songs")).status == 200
