"""What is written to a client keeps its order and is not lost when the connection closes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from api_gateway.downstream.write_buffer import ResponseBuffer, WriteBuffer
from shared.http.write_batch import WriteBatch


@asynccontextmanager
async def written_to_client() -> AsyncIterator[tuple[WriteBuffer, asyncio.StreamReader]]:
    """A buffer, and what its client reads."""
    ours, theirs = socket.socketpair()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    reader, writer = await asyncio.open_connection(sock=theirs)
    try:
        yield WriteBuffer(transport, ResponseBuffer(1_000_000), WriteBatch(), 5), reader
    finally:
        transport.abort()
        writer.close()
        await writer.wait_closed()


async def test_later_writes_do_not_overtake() -> None:
    async with written_to_client() as (buffer, client):
        buffer.write_soon(b"1")
        buffer.write_soon(b"2")
        buffer.write(b"3")
        buffer.write_soon(b"4")
        assert await client.readexactly(4) == b"1234"


@pytest.mark.parametrize("closes", ["close", "flush and close"])
async def test_nothing_is_lost_when_the_connection_closes(closes: str) -> None:
    async with written_to_client() as (buffer, client):
        buffer.write_soon(b"response")
        if closes == "flush and close":
            buffer.flush()
        buffer.close()
        assert await client.read() == b"response"


async def test_nothing_is_written_to_a_closed_connection() -> None:
    async with written_to_client() as (buffer, client):
        buffer.close()
        buffer.write_soon(b"response")
        await asyncio.sleep(0)
        assert await client.read() == b""
