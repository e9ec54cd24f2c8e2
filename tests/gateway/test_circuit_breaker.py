"""The gateway's circuit breaker: what opens it, and how it closes."""

import asyncio
import json

import pytest

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, closed_port, listening, plain
from tests.gateway.wire import TEST_TIMEOUT_SECONDS, connect, read_request, request, send_request

FOUR = {"breaker_minimum_calls": 4, "breaker_reset_timeout_seconds": 30}
BRIEFLY = {"breaker_minimum_calls": 4, "breaker_reset_timeout_seconds": 1}


async def test_open_breaker_closes_soon_after_service_returns() -> None:
    service, away = Scripted(), await closed_port()
    async with gateway(away, breaker_minimum_calls=4, breaker_reset_timeout_seconds=3) as port:
        for _ in range(6):
            assert (await send_request(port, "GET", "/api/songs")).status == 503
        async with listening(service.talk, away):
            refused = await send_request(port, "GET", "/api/songs")
            assert refused.status == 503
            assert 1 <= int(refused.headers.get("retry-after") or 0) <= 3
            assert service.received == []
            async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
                while (await send_request(port, "GET", "/api/songs")).status == 503:  # noqa: ASYNC110 - over a socket
                    await asyncio.sleep(0.05)
            assert (await send_request(port, "GET", "/api/songs")).status == 200


async def test_breaker_is_separate_for_each_service() -> None:
    away = await closed_port()
    async with (
        listening(Scripted().talk) as there,
        gateway(there, song_service_url=f"http://127.0.0.1:{away}", **FOUR) as port,
    ):
        for _ in range(6):
            await send_request(port, "GET", "/api/songs")
        assert (await send_request(port, "GET", "/api/songs")).status == 503
        assert (await send_request(port, "GET", "/api/albums")).status == 200


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable", "404 Not Found"])
async def test_error_responses_do_not_open_the_breaker(status: str) -> None:
    service = Scripted(plain(status=status))
    async with listening(service.talk) as there, gateway(there, **FOUR) as port:
        for _ in range(20):
            await send_request(port, "GET", "/api/songs")
    assert len(service.received) == 20


async def test_unusable_responses_open_the_breaker() -> None:
    seen = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        await read_request(reader, writer)
        seen += 1
        writer.write(b"not HTTP\r\n\r\n")

    async with listening(talk) as there, gateway(there, **FOUR) as port:
        statuses = [(await send_request(port, "POST", "/api/songs")).status for _ in range(8)]
    assert statuses == [502] * 4 + [503] * 4
    assert seen == 4


async def test_oversized_response_heads_do_not_open_breaker() -> None:
    """Otherwise one client could open the breaker for all others."""
    service = Scripted(plain(b"{}", "Link: " + "x" * 80_000))
    async with listening(service.talk) as there, gateway(there, **FOUR) as port:
        responses = [await send_request(port, "GET", "/api/songs") for _ in range(8)]
    assert {(response.status, json.loads(response.body)["code"]) for response in responses} == {
        (502, "service_bad_answer")
    }
    assert len(service.received) == 8


async def test_timeouts_open_the_breaker() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        await reader.read(1)

    limits = {**FOUR, "first_byte_timeout_seconds": 0.1}
    async with listening(talk) as there, gateway(there, **limits) as port:
        late = await asyncio.gather(*(send_request(port, "GET", "/api/songs") for _ in range(4)))
        assert {response.status for response in late} == {504}
        assert (await send_request(port, "GET", "/api/songs")).status == 503


async def test_client_failures_never_open_the_breaker() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = await read_request(reader, writer)
        if received.target == "/songs/quick":
            writer.write(plain())
        await reader.read(1)

    async with listening(talk) as there, gateway(there, max_body_bytes=10, **FOUR) as port:
        for _ in range(10):
            async with connect(port) as client:
                await client.write(request("GET", "/api/songs"))
                await asyncio.sleep(0.01)
            async with connect(port) as client:
                await client.write(request("POST", "/api/songs", "Content-Length: 10") + b"half")
                await asyncio.sleep(0.01)
            async with connect(port) as client:
                await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked"))
                await client.write(b"b\r\nhello world\r\n0\r\n\r\n")
                assert (await client.response()).status == 413
        assert (await send_request(port, "GET", "/api/songs/quick")).status == 200


async def test_cancelled_trial_call_permits_the_next() -> None:
    received = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await read_request(reader, writer)).target == "/songs/quick":
            writer.write(plain())
        received.set()
        await reader.read(1)

    away = await closed_port()
    async with gateway(away, **BRIEFLY) as port:
        for _ in range(4):
            await send_request(port, "GET", "/api/songs")
        async with listening(talk, away):
            await asyncio.sleep(1.1)
            async with connect(port) as client:
                await client.write(request("GET", "/api/songs/hangs"))
                await received.wait()
                assert (await send_request(port, "GET", "/api/songs/quick")).status == 503
            # A slow probe stops keeping others out after five seconds; this must not take as long.
            async with asyncio.timeout(4):
                while (await send_request(port, "GET", "/api/songs/quick")).status == 503:  # noqa: ASYNC110 - over a socket
                    await asyncio.sleep(0.05)
