"""Request heads: limits of size and time, and problem documents for malformed ones."""

import asyncio

import pytest

from api_gateway.downstream.protocol import HttpProtocol
from tests.gateway.gateway import gateway, gateway_speaking
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import check_problem, connect, read_request, request, send_request

PIECE = b"y" * 50_000


class Impatient(HttpProtocol):
    """A protocol with a short head timeout."""

    head_seconds = 0.2


@pytest.mark.parametrize(
    "said",
    [
        b"this is not HTTP\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-Bad: a\x00b\r\n\r\n",
        b"CONNECT gateway.test:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /api/songs HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_malformed_request_is_a_400_problem(said: bytes) -> None:
    async with gateway(1) as port, connect(port) as client:
        await client.write(said)
        check_problem(await client.response(), 400, "malformed")
        assert await client.at_end()


@pytest.mark.parametrize(
    ("line", "status", "code", "says"),
    [
        (b"BREW /health HTTP/1.1", 501, "unknown_method", "method"),
        (b"patch /health HTTP/1.1", 501, "unknown_method", "upper case"),
        ("GET /health?q=č HTTP/1.1".encode(), 400, "malformed", "percent-encoded"),
        (b"GET /health?q=a b HTTP/1.1", 400, "malformed", "percent-encoded"),
    ],
)
async def test_refusal_says_what_is_wrong(line: bytes, status: int, code: str, says: str) -> None:
    async with gateway(1) as port, connect(port) as client:
        await client.write(line + b"\r\nHost: x\r\n\r\n")
        response = await client.response()
        check_problem(response, status, code)
        assert says in response.body.decode()


async def test_http_1_0_client_needs_no_host() -> None:
    async with gateway(1) as port, connect(port) as client:
        await client.write(b"GET /health HTTP/1.0\r\n\r\n")
        assert (await client.response()).status == 200


@pytest.mark.parametrize("piece", [b"X-Long: " + PIECE + b"\r\n", PIECE, b"a: b\r\n" * 8_000])
async def test_endless_head_is_not_buffered(piece: bytes) -> None:
    async with gateway(1) as port, connect(port) as client:
        await client.write(b"GET /health HTTP/1.1\r\nX: 1")
        await client.write(b"\r\n" if piece != PIECE else b"")
        assert await client.flood(piece) < 10_000_000


async def test_oversized_head_is_431() -> None:
    async with gateway(1) as port:
        check_problem(
            await send_request(port, "GET", "/health", "X-Long: " + "y" * 70_000), 431, "head_too_large"
        )
        many = [f"X-{number}: {'y' * 100}" for number in range(700)]
        check_problem(await send_request(port, "GET", "/health", *many), 431, "head_too_large")
        check_problem(await send_request(port, "GET", "/health?" + "y" * 70_000), 414, "url_too_long")
        check_problem(await send_request(port, "GET", "/health?" + "y" * 300_000), 414, "url_too_long")


async def test_fragmented_head_before_large_body_is_accepted() -> None:
    service = Scripted()
    whole = request("POST", "/api/songs", "X-Long: " + "y" * 60_000, body=b"z" * 1_000_000)
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        for start in range(0, 60_000, 6_000):
            await client.write(whole[start : start + 6_000])
            await asyncio.sleep(0.001)
        await client.write(whole[60_000:])
        assert (await client.response()).status == 200
    assert len(service.last.body) == 1_000_000


async def test_incomplete_head_is_408() -> None:
    async with gateway_speaking(Impatient, 1) as port, connect(port) as client:
        await client.write(b"GET /health HTTP/1.1\r\nHost:")
        check_problem(await client.response(), 408, "request_timeout")
        assert await client.at_end()


async def test_silent_connection_is_closed() -> None:
    async with gateway_speaking(Impatient, 1) as port, connect(port) as client:
        assert await client.at_end()


async def test_second_head_has_the_same_timeout() -> None:
    async with gateway_speaking(Impatient, 1) as port, connect(port) as client:
        await client.write(request("GET", "/health") + b"GET ")
        assert (await client.response()).status == 200
        check_problem(await client.response(), 408, "request_timeout")


async def test_head_timeout_spares_bodies_and_responses() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        await asyncio.sleep(0.4)
        writer.write(plain(b"slow"))

    async with (
        listening(talk) as there,
        gateway_speaking(Impatient, there) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Content-Length: 4") + b"ha")
        await asyncio.sleep(0.4)
        await client.write(b"lf")
        assert (await client.response()).body == b"slow"
        await asyncio.sleep(0.4)
        await client.write(request("GET", "/health"))
        assert (await client.response()).status == 200


BAD_CHUNK = request("POST", "/api/songs", "Transfer-Encoding: chunked") + b"no size\r\n"


@pytest.mark.parametrize("nonsense", [b"this is not HTTP\r\n\r\n", BAD_CHUNK])
async def test_garbage_after_request_yields_no_false_response(nonsense: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        await reader.read(1)

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("GET", "/api/songs") + nonsense)
        assert await client.at_end()


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A service that takes three times as long as an `Impatient` gateway waits for a head."""
    while (await read_request(reader, writer)).complete:
        await asyncio.sleep(3 * Impatient.head_seconds)
        writer.write(plain(b"late"))


@pytest.mark.parametrize(
    "said",
    [
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://a:99999999/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-Long: " + b"y" * 66_000 + b"\r\n\r\n",
    ],
)
async def test_refused_head_is_no_response_to_previous_request(said: bytes) -> None:
    async with listening(slow) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", body=b"{}"))
        await asyncio.sleep(0.1)
        await client.write(said)
        assert await client.at_end()


async def test_head_timeout_excludes_earlier_responses() -> None:
    async with (
        listening(slow) as there,
        gateway_speaking(Impatient, there) as port,
        connect(port) as client,
    ):
        requested = request("GET", "/api/songs")
        await client.write(requested)
        await asyncio.sleep(0.05)
        await client.write(requested + requested[:10])
        await asyncio.sleep(0.05)
        await client.write(requested[10:])
        for _ in range(3):
            response = await client.response()
            assert (response.status, response.body) == (200, b"late")
