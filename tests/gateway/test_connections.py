"""How a client's connection is used and ends: pipelined requests, half-closed connections, strict heads."""

import asyncio
import itertools

import pytest

from shared.http.draining import RESPONSES_PER_CONNECTION_CLOSED
from tests.gateway.gateway import gateway, gateway_process
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import (
    CONTINUE,
    TEST_TIMEOUT_SECONDS,
    Client,
    check_problem,
    connect,
    read_head,
    read_request,
    request,
)


async def test_every_pipelined_request_gets_a_response() -> None:
    service = Scripted(lambda received: plain(received.target.encode()))
    async with listening(service.talk) as there, gateway_process(there) as running:
        for path, count in itertools.product(("/api/songs", "/health"), (100, 300, 1000)):
            async with connect(running.port) as client:
                sending = asyncio.create_task(client.write(request("GET", path) * count))
                responses = [await client.response() for _ in range(count)]
                await sending
                assert {response.status for response in responses} == {200}, (path, count)


async def test_last_pipelined_request_may_close_the_connection() -> None:
    service = Scripted(lambda received: plain(received.target.encode()))
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        many = b"".join(request("GET", f"/api/songs/{number}") for number in range(50))
        await client.write(many + request("GET", "/api/songs/last", "Connection: close"))
        bodies = [(await client.response()).body for _ in range(51)]
        assert bodies == [*(f"/songs/{number}".encode() for number in range(50)), b"/songs/last"]
        assert await client.at_end()


async def test_connection_is_recycled_between_requests() -> None:
    async with listening(Scripted().talk) as there, gateway(there) as port, connect(port) as client:
        for number in range(1, RESPONSES_PER_CONNECTION_CLOSED + 1):
            await client.write(request("GET", "/api/songs"))
            response = await client.response()
            due = number == RESPONSES_PER_CONNECTION_CLOSED
            assert response.headers.get("connection") == ("close" if due else None)
        assert await client.at_end()


async def test_request_after_closing_response_causes_no_reset() -> None:
    """The client sees the whole response and an orderly end, although it has sent more."""
    body = b"x" * 500_000
    async with (
        listening(Scripted(plain(body)).talk) as there,
        gateway(there) as port,
        connect(port) as client,
    ):
        closing = request("GET", "/api/songs", "Connection: close")
        await client.write(closing + request("GET", "/api/songs") * 500)
        await asyncio.sleep(0.2)
        assert (await client.response()).body == body
        assert await client.at_end()


def half_close(client: Client) -> None:
    client.writer.write_eof()


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", [b"", b'{"title": "x"}'])
async def test_half_closed_client_gets_its_response(method: str, body: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        await asyncio.sleep(0.5)
        writer.write(plain(b"done"))

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request(method, "/api/songs/1", body=body))
        half_close(client)
        assert (await client.response()).body == b"done"
        assert await client.at_end()


async def test_half_closed_client_gets_all_pipelined_responses() -> None:
    service = Scripted(lambda received: plain(received.target.encode()))
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(b"".join(request("GET", f"/api/songs/{number}") for number in range(60)))
        half_close(client)
        assert [(await client.response()).body for _ in range(60)] == [
            f"/songs/{n}".encode() for n in range(60)
        ]
        assert await client.at_end()


async def test_half_close_within_a_pipelined_body_leaves_earlier_responses() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        await asyncio.sleep(0.3)
        writer.write(plain(b"done"))

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        unfinished = request("POST", "/api/songs/batch", "Content-Length: 100") + b"{"
        await client.write(request("GET", "/api/songs/1") + unfinished)
        half_close(client)
        assert (await client.response()).body == b"done"
        assert await client.at_end()


async def test_half_closed_upload_outlives_the_grace_period() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        await asyncio.sleep(4)
        writer.write(plain(b"stored"))

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", body=b"x" * 100_000))
        half_close(client)
        assert (await client.response()).body == b"stored"


async def test_half_closed_body_is_not_relayed() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("PATCH", "/api/songs/1", "Content-Length: 10") + b"half")
        half_close(client)
        assert await client.at_end()
    assert service.received == []


@pytest.mark.parametrize(
    "said",
    [
        b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"GET\t/health HTTP/1.1\r\nHost: x\r\n\r\n",
        b" GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.2\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/0.9\r\nHost: x\r\n\r\n",
        b"GET /health\r\n",
        b"GET /health HTTP/1.1\nHost: x\n\n",
        b"GET /health HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: user@a\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a,b<script>\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a:80:80\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a,b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a;b=c\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a:65536\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: " + b"a" * 254 + b"\r\n\r\n",
        b"GET http://user@a/health HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_heads_that_are_not_strict_http_are_refused(said: bytes, at_once: bool) -> None:
    async with gateway(1) as port, connect(port) as client:
        if at_once:
            await client.write(said)
        else:
            await client.pieces(said[at : at + 9] for at in range(0, len(said), 9))
        check_problem(await client.response(), 400, "malformed")
        assert await client.at_end()


@pytest.mark.parametrize(
    "host", ["gateway.test", "localhost:3000", "127.0.0.1", "[::1]:3000", "a_b.test", ""]
)
async def test_ordinary_hosts_are_accepted(host: str) -> None:
    async with gateway(1) as port, connect(port) as client:
        await client.write(b"\r\nGET /health HTTP/1.1\r\nHost: %b\r\n\r\n" % host.encode())
        assert (await client.response()).status == 200


CHUNKED = request("POST", "/api/songs/batch", "Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "chunks",
    [
        b"2;x=" + b"y" * 2000 + b"\r\n{}\r\n",
        b"1;x=" + b"y" * 500 + b"\r\nx\r\n" + (b"1;x=" + b"y" * 500 + b"\r\nx\r\n") * 60,
    ],
)
async def test_chunk_extensions_are_bounded(chunks: bytes) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(CHUNKED + chunks + b"0\r\n\r\n")
        check_problem(await client.response(), 413, "chunk_extensions_too_large")
    assert service.received == []


@pytest.mark.parametrize("size", [1, 5, 1000])
async def test_chunk_extensions_do_not_reach_the_service(size: int) -> None:
    service = Scripted()
    said = CHUNKED + b'1;a=b;c="d e"\r\n{\r\n1 ; x\r\n}\r\n0;last\r\nX-Sum: 1\r\n\r\n'
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        for _ in range(2):
            await client.pieces(said[at : at + size] for at in range(0, len(said), size))
            assert (await client.response()).status == 200
    assert [received.body for received in service.received] == [b"{}", b"{}"]


@pytest.mark.parametrize(
    "bad", [b"g\r\n", b"-1\r\n", b"1\n{\n", b"1\r\n{}\r\n", b"0x1\r\n", b" 1\r\n", b"\r\n"]
)
async def test_malformed_chunks_are_refused(bad: bytes) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(CHUNKED + bad + b"0\r\n\r\n")
        check_problem(await client.response(), 400, "malformed")
    assert service.received == []


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "413 Too Large", "503 Unavailable"])
async def test_refused_upload_is_never_asked_for(status: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await read_head(reader)
        assert headers.get("expect") == "100-continue"
        await asyncio.sleep(0.2)
        writer.write(plain(b"no", status=status))
        assert await reader.read() == b""

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", "Expect: 100-continue", "Content-Length: 100"))
        first, headers = await read_head(client.reader)
    assert first == f"HTTP/1.1 {status.split()[0]} " + first.split(" ", 2)[2]
    assert headers.get("connection") == "close"


async def test_upload_is_asked_for_when_the_service_reads() -> None:
    go_on = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await go_on.wait()
        writer.write(CONTINUE)
        assert await reader.readexactly(4) == b"body"
        writer.write(plain(b"stored"))

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", "Expect: 100-continue", "Content-Length: 4"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.reader.read(1)
        go_on.set()
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            assert await client.reader.readuntil(b"\r\n\r\n") == CONTINUE
        await client.write(b"body")
        assert (await client.response()).body == b"stored"
