"""Upgrade requests are served over HTTP/1.1, with their bodies."""

import asyncio
import shutil

import pytest

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import TEST_TIMEOUT_SECONDS, connect, request

H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk", "X-Own: a b")
SIZED = request("POST", "/api/songs/batch?a=%20b", *H2C, body=b'{"ids":[]}')
CHUNKED = request("POST", "/api/songs/batch?a=%20b", *H2C, "Transfer-Encoding: chunked")
CHUNKED += b'4\r\n{"id\r\n6\r\ns":[]}\r\n0\r\n\r\n'


@pytest.mark.parametrize("said", [SIZED, CHUNKED])
@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_body_after_upgrade_request_is_relayed(said: bytes, size: int) -> None:
    service = Scripted(lambda received: plain(received.body))
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        for _ in range(2):
            for at in range(0, len(said), size):
                await client.write(said[at : at + size])
                await asyncio.sleep(0)
            response = await client.response()
            assert (response.status, response.body) == (200, b'{"ids":[]}')
            assert response.headers.get("x-request-id")
    for received in service.received:
        assert (received.method, received.target) == ("POST", "/songs/batch?a=%20b")
        assert received.headers.get("x-own") == "a b"
        assert received.headers.names.isdisjoint({"connection", "upgrade", "http2-settings"})


async def test_pipelined_upgrade_requests_get_responses_in_order() -> None:
    service = Scripted(lambda received: plain(received.target.encode()))
    targets = [f"/songs/{number}" for number in range(40)]
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(b"".join(request("GET", f"/api{target}", *H2C) for target in targets))
        assert [(await client.response()).body.decode() for _ in targets] == targets


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 3", "Transfer-Encoding: chunked"],
        ["Content-Length: 3", "Content-Length: 4"],
        ["Transfer-Encoding: gzip"],
        ["Transfer-Encoding: identity"],
    ],
)
async def test_ambiguous_length_with_upgrade_is_refused(lines: list[str]) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", *H2C, *lines) + request("GET", "/api/admin/users"))
        assert (await client.response()).status == 400
        assert await client.at_end()
    assert service.received == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl_may_ask_for_http2() -> None:
    service = Scripted(lambda received: plain(received.body))
    async with listening(service.talk) as there, gateway(there) as port:
        curl = await asyncio.create_subprocess_exec(
            *("curl", "--silent", "--http2", "--data", "x" * 1000, f"http://127.0.0.1:{port}/api/songs"),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            said, _ = await curl.communicate()
    assert (curl.returncode, said) == (0, b"x" * 1000)
