"""Early responses: those that begin before the end of the request body."""

import asyncio

import pytest

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import (
    KEY_STORE_TIMEOUT_SECONDS,
    PIECE,
    BrokenOffError,
    allow_body,
    ask,
    connect,
    read_chunk,
    read_head,
    request,
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
        await asyncio.sleep(KEY_STORE_TIMEOUT_SECONDS)

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
        response = await ask(port, "POST", "/api/songs", body=b"x" * LIMIT)
    assert (response.status, response.body) == (200, b"early")
