"""Many clients that read a byte a second of a long response, from outside over real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from tests.gateway.gateway import gateway_process
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import TEST_TIMEOUT_SECONDS, ReceivedRequest, request, send_request

MEGABYTE = 1024 * 1024
READERS = 40
PERMITS = 4
REQUESTS = 10
OTHER_MEMORY_BYTES = 24 * MEGABYTE
"""What the gateway may use for the connections and in the kernel's stead, besides its buffer."""


def a_service() -> Scripted:
    """`/songs` has 1 MB, everything else is small."""
    return Scripted(lambda each: plain(b"x" * MEGABYTE if each.target == "/songs" else b"small"))


async def read_slowly(port: int) -> None:
    """Ask for the long response and read a byte a second; a second after the connection ended begin again."""
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as client, contextlib.suppress(ConnectionError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            # As on the Internet: with the segments of the loopback the kernel would buffer it all.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", port))
            await loop.sock_sendall(client, request("GET", "/api/songs"))
            while await loop.sock_recv(client, 1):  # noqa: ASYNC110 - over a socket
                await asyncio.sleep(1)
        await asyncio.sleep(1)


@contextlib.asynccontextmanager
async def attacked(port: int) -> AsyncIterator[None]:
    readers = [asyncio.create_task(read_slowly(port)) for _ in range(READERS)]
    try:
        yield
    finally:
        for each in readers:
            each.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


def long_requests(received: list[ReceivedRequest]) -> int:
    return sum(each.target == "/songs" for each in received)


async def until_every_reader_is_served(service: Scripted) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        while long_requests(service.received) < READERS:  # noqa: ASYNC110 - over a socket
            await asyncio.sleep(0.02)


async def test_buffered_responses_hold_no_permit() -> None:
    """All slow clients have their response in the buffer, though they are more than there are permits."""
    service = a_service()
    async with (
        listening(service.talk) as there,
        gateway_process(
            there, MAX_CONNECTIONS_PER_SERVICE=str(PERMITS), LIMIT_CALLS_PER_MINUTE="0"
        ) as running,
        attacked(running.port),
    ):
        await until_every_reader_is_served(service)
        for _ in range(REQUESTS):
            assert (await send_request(running.port, "GET", "/api/songs/1")).body == b"small"
        assert long_requests(service.received) == READERS


async def test_full_buffer_does_not_block_others() -> None:
    """The clients that have been reading for longest lose their connections."""
    buffer_bytes = 8 * MEGABYTE
    service = a_service()
    async with (
        listening(service.talk) as there,
        gateway_process(
            there,
            MAX_CONNECTIONS_PER_SERVICE=str(PERMITS),
            LIMIT_CALLS_PER_MINUTE="0",
            RESPONSE_BUFFER_BYTES=str(buffer_bytes),
        ) as running,
    ):
        assert (await send_request(running.port, "GET", "/api/songs/1")).status == 200
        memory_bytes = running.resident_bytes
        async with attacked(running.port):
            await until_every_reader_is_served(service)
            for _ in range(REQUESTS):
                assert (await send_request(running.port, "GET", "/api/songs/1")).body == b"small"
        assert running.most_resident_bytes - memory_bytes < buffer_bytes + OTHER_MEMORY_BYTES
