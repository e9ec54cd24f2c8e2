"""Bodies are streamed both ways, and aborted ones do not look complete."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from tests.gateway.gateway import gateway, gateway_process
from tests.gateway.services import Scripted, listening
from tests.gateway.wire import (
    TEST_TIMEOUT_SECONDS,
    BrokenOffError,
    allow_body,
    connect,
    read_chunk,
    read_head,
    read_request,
    request,
    send_request,
)

MEGABYTE = 1024 * 1024
PIECE = bytes(range(256)) * 256


async def test_request_body_is_streamed() -> None:
    pieces: asyncio.Queue[bytes] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        allow_body((await read_head(reader))[1], writer)
        while piece := await read_chunk(reader):
            pieces.put_nowait(piece)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked"))
        for piece in (b"first", b"second"):
            await client.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
                assert await pieces.get() == piece
        await client.write(b"0\r\n\r\n")
        assert (await client.response()).status == 200


async def test_response_body_is_streamed() -> None:
    go_on = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await go_on.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("GET", "/api/songs"))
        await read_head(client.reader)
        assert await read_chunk(client.reader) == b"first"
        go_on.set()
        assert [await read_chunk(client.reader), await read_chunk(client.reader)] == [b"second", b""]


async def test_both_bodies_stream_at_the_same_time() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        allow_body((await read_head(reader))[1], writer)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while piece := await read_chunk(reader):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        writer.write(b"0\r\n\r\n")

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked") + b"3\r\none\r\n")
        await read_head(client.reader)
        assert await read_chunk(client.reader) == b"one"
        await client.write(b"3\r\ntwo\r\n")
        assert await read_chunk(client.reader) == b"two"
        await client.write(b"0\r\n\r\n")
        assert await read_chunk(client.reader) == b""


async def wait_for(true: Callable[[], bool]) -> None:
    """Wait until `true` is."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        while not true():  # noqa: ASYNC110 - it is the other side of a connection that changes
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("framing", ["Content-Length", "chunked"])
async def test_aborted_upload_does_not_look_complete(framing: str) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port:
        async with connect(port) as client:
            if framing == "chunked":
                await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked"))
                await client.write(b"4\r\nhalf\r\n")
            else:
                await client.write(request("POST", "/api/songs", "Content-Length: 100000") + b"half")
            await wait_for(lambda: service.connections == 1)
        await wait_for(lambda: bool(service.received))
    assert not service.last.complete


class Endless:
    """A service with an endless response that detects when its client disconnects."""

    def __init__(self) -> None:
        self.sent = 0
        self.left = asyncio.Event()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + PIECE + b"\r\n")
                await writer.drain()
                self.sent += len(PIECE)
        except ConnectionError:
            self.left.set()


@pytest.mark.parametrize("requested", [1, 2])
async def test_client_disconnect_aborts_the_upstream_response(requested: int) -> None:
    service = Endless()
    async with listening(service.talk) as there, gateway(there) as port:
        async with connect(port) as client:
            await client.write(request("GET", "/api/songs") * requested)
            await client.reader.readexactly(MEGABYTE)
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            await service.left.wait()


async def test_client_disconnect_aborts_the_upstream_request() -> None:
    requested, left = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        requested.set()
        assert await reader.read(1) == b""
        left.set()

    async with listening(talk) as there, gateway(there) as port:
        async with connect(port) as client:
            await client.write(request("POST", "/api/songs", body=b"{}"))
            async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
                await requested.wait()
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            await left.wait()


async def test_client_that_stops_reading_is_disconnected() -> None:
    service = Endless()
    async with (
        listening(service.talk) as there,
        gateway(there, idle_timeout_seconds=0.3) as port,
        connect(port) as client,
    ):
        await client.write(request("GET", "/api/songs"))
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            await service.left.wait()


async def test_slow_client_causes_backpressure() -> None:
    service = Endless()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("GET", "/api/songs"))
        await client.reader.readexactly(MEGABYTE)
        sent = -1
        while sent < service.sent:
            sent = service.sent
            await asyncio.sleep(0.3)
        # What stands still is in the buffers of the sockets and at most a few pieces in the gateway.
        assert sent < 16 * MEGABYTE
        await client.reader.readexactly(16 * MEGABYTE)
        assert service.sent > sent


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
)
async def test_aborted_upstream_response_is_aborted_downstream(begin: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(begin)

    async with listening(talk) as there, gateway(there) as port:
        with pytest.raises(BrokenOffError):
            await send_request(port, "GET", "/api/songs")


async def test_stalled_response_is_aborted() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await reader.read(1)

    async with listening(talk) as there, gateway(there, idle_timeout_seconds=0.2) as port:
        with pytest.raises(BrokenOffError):
            await send_request(port, "GET", "/api/songs")


async def test_begun_response_may_exceed_first_byte_timeout() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        await asyncio.sleep(2.5)
        writer.write(b"half")

    async with listening(talk) as there, gateway(there, first_byte_timeout_seconds=2.0) as port:
        assert (await send_request(port, "GET", "/api/songs")).body == b"halfhalf"


async def test_steady_slow_upload_outlasts_the_timeouts() -> None:
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, first_byte_timeout_seconds=2.0, idle_timeout_seconds=2.0) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Content-Length: 8"))
        for letter in b"slowbody":
            await client.write(bytes([letter]))
            await asyncio.sleep(0.3)
        assert (await client.response()).status == 200
    assert service.last.body == b"slowbody"


class Sink:
    """A service that counts the bytes of a request and responds with `response_bytes`."""

    def __init__(self, response_bytes: int) -> None:
        self.received = 0
        self._response_bytes = response_bytes

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await read_head(reader)
        allow_body(headers, writer)
        length = int(headers.get("content-length") or 0)
        while self.received < length:
            self.received += len(await reader.read(MEGABYTE))
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {self._response_bytes}\r\n\r\n".encode())
        for _ in range(self._response_bytes // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()


async def test_hundred_megabytes_need_little_memory() -> None:
    size = 100 * MEGABYTE
    service = Sink(response_bytes=size)
    async with listening(service.talk) as there, gateway_process(there) as running:
        await send_request(running.port, "GET", "/livez")
        before = running.resident_bytes
        async with connect(running.port) as client:
            await client.write(request("POST", "/api/songs", f"Content-Length: {size}"))
            for _ in range(size // len(PIECE)):
                await client.write(PIECE)
            await read_head(client.reader)
            received = 0
            while received < size:
                piece = await client.reader.read(MEGABYTE)
                assert piece
                received += len(piece)
        grown = running.most_resident_bytes - before
    assert (service.received, received) == (size, size)
    assert grown < 40 * MEGABYTE


async def test_thirty_slow_clients_need_little_memory() -> None:
    service = Endless()
    async with (
        listening(service.talk) as there,
        gateway_process(there) as running,
        contextlib.AsyncExitStack() as clients,
    ):
        await send_request(running.port, "GET", "/livez")
        before = running.resident_bytes
        for _ in range(30):
            client = await clients.enter_async_context(connect(running.port))
            await client.write(request("GET", "/api/songs"))
        sent = -1
        while sent < service.sent or sent < 30 * MEGABYTE:
            sent = service.sent
            await asyncio.sleep(0.3)
        grown = running.most_resident_bytes - before
    assert grown < 40 * MEGABYTE
