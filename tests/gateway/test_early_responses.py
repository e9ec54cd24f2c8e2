"""Early responses: those that begin before the end of the request body."""

import asyncio

import pytest

from shared.http.client.connection import UpstreamConnection
from shared.http.client.pool import ConnectionPool
from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, Talk, listening, plain
from tests.gateway.wire import (
    PIECE,
    BrokenOffError,
    allow_body,
    connect,
    read_chunk,
    read_head,
    request,
    send_request,
)

LIMIT = 1024 * 1024

REFUSED = plain(b'{"error":"no"}', "Content-Type: application/problem+json", status="401 Unauthorized")


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("then", ["close", "read", "linger"])
async def test_early_response_is_relayed(then: str, chunked: bool) -> None:
    total = 20 * LIMIT

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(REFUSED)
        await writer.drain()
        if then == "read":
            while await reader.read(65536):
                pass
        elif then == "linger":
            await reader.read(1)

    async def send(port: int) -> None:
        async with connect(port) as client:
            framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {total}"
            await client.write(request("POST", "/api/songs", framing))
            await client.push(total, chunked=chunked)
            response = await client.response()
            assert (response.status, response.body) == (401, b'{"error":"no"}')
            assert await client.at_end()

    async with listening(talk) as there, gateway(there) as port:
        await asyncio.gather(*(send(port) for _ in range(10)))


async def test_early_response_reaches_client_that_stops_sending() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(REFUSED)
        await reader.read(1)

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", f"Content-Length: {LIMIT}") + PIECE)
        assert (await client.response()).status == 401


async def test_oversized_body_aborts_a_begun_response(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        allow_body((await read_head(reader))[1], writer)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n")
        await reader.read(-1)

    async with (
        listening(talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked") + b"1\r\nx\r\n")
        await read_head(client.reader)
        assert await read_chunk(client.reader) == b"begun"
        await client.push(2 * LIMIT, chunked=True)
        with pytest.raises((BrokenOffError, ConnectionError)):
            await read_chunk(client.reader)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_small_unread_body_keeps_the_connection() -> None:
    async with listening(Scripted().talk) as there, gateway(there) as port, connect(port) as client:
        for _ in range(3):
            await client.write(request("POST", "/api/nobodys", body=b"{}"))
            assert (await client.response()).status == 404
        await client.write(request("GET", "/api/songs"))
        assert (await client.response()).status == 200


async def test_upload_the_service_never_reads_times_out() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with (
        listening(talk) as there,
        gateway(there, idle_timeout_seconds=0.3) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", f"Content-Length: {100 * LIMIT}"))
        await client.push(100 * LIMIT, chunked=False)
        assert (await client.response()).status == 504


async def test_complete_request_gets_the_early_response() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        allow_body((await read_head(reader))[1], writer)
        writer.write(plain(b"early"))
        while await reader.read(65536):
            pass

    async with listening(talk) as there, gateway(there) as port:
        response = await send_request(port, "POST", "/api/songs", body=b"x" * LIMIT)
    assert (response.status, response.body) == (200, b"early")


def speaking_first(connections: int, then: Scripted) -> Talk:
    """A service that responds to nothing and closes, for so many connections; `then` serves the others."""
    left = connections

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        if not left:
            await then.talk(reader, writer)
            return
        left -= 1
        writer.write(plain(b"not asked for"))
        await writer.drain()

    return talk


@pytest.fixture
def late_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway sends on a new connection when what the service said first has come."""
    connect_really = ConnectionPool.connect

    async def connect_and_wait(pool: ConnectionPool) -> UpstreamConnection:
        connection = await connect_really(pool)
        await asyncio.sleep(0.2)
        return connection

    monkeypatch.setattr(ConnectionPool, "connect", connect_and_wait)


@pytest.mark.usefixtures("late_sender")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_response_before_the_request_is_discarded(method: str) -> None:
    """RFC 9112, 9.2: it is no response to the request, which is sent on another connection."""
    service = Scripted(plain(b"asked for"))
    async with listening(speaking_first(1, service)) as there, gateway(there) as port:
        response = await send_request(port, method, "/api/songs")
    assert (response.status, response.headers.get("content-length")) == (200, "9")
    assert len(service.received) == 1


@pytest.mark.usefixtures("late_sender")
@pytest.mark.parametrize(("method", "connections"), [("GET", 2), ("POST", 1)])
async def test_service_that_responds_first_is_unavailable(method: str, connections: int) -> None:
    """Nothing was sent to it, so the client may try again."""
    service = Scripted()
    async with listening(speaking_first(connections, service)) as there, gateway(there) as port:
        response = await send_request(port, method, "/api/songs")
    assert (response.status, response.headers.get("retry-after")) == (503, "2")
    assert service.received == []
