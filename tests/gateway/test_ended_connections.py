"""The end of a connection, of a client or of a service, ends no more than its own response."""

import asyncio

import pytest

from tests.gateway.gateway import gateway
from tests.gateway.services import listening
from tests.gateway.wire import TEST_TIMEOUT_SECONDS, connect, read_request, request, send_request

MEGABYTE = 1024 * 1024


async def test_incomplete_response_ends_in_a_reset_for_http_1_0() -> None:
    """HTTP/1.0 has no chunks: a close would be the end of a complete body."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await asyncio.sleep(0.1)

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(b"GET /api/songs HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await client.reader.read(-1)


async def test_slow_reader_that_leaves_ends_no_other_request() -> None:
    """The connection of a response that the gateway has buffered serves the next request already."""
    body, may_respond = b"x" * (3 * MEGABYTE), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            received = await read_request(reader, writer)
            if received.method == "GET":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            else:
                posted.set()
                await may_respond.wait()
                writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    posted = asyncio.Event()
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS), listening(talk) as there, gateway(there) as port:
        async with connect(port) as slow:
            await slow.write(request("GET", "/api/songs"))
            await asyncio.sleep(0.5)
            poster = asyncio.create_task(send_request(port, "POST", "/api/songs/batch", body=b"{}"))
            await posted.wait()
        await asyncio.sleep(0.1)
        may_respond.set()
        assert (await poster).status == 201
