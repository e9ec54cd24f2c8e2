"""Bodies that are too large, too slow or of ambiguous length."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, listening
from tests.gateway.wire import (
    PIECE,
    TEST_TIMEOUT_SECONDS,
    connect,
    read_head,
    request,
    send_request,
)

LIMIT = 1024 * 1024


async def test_body_of_exactly_the_limit_passes() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there, max_body_bytes=LIMIT) as port:
        assert (await send_request(port, "POST", "/api/songs", body=b"x" * LIMIT)).status == 200
    assert len(service.last.body) == LIMIT


async def test_oversized_content_length_is_refused_unread() -> None:
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", f"Content-Length: {LIMIT + 1}"))
        response = await client.response()
        assert response.status == 413
        assert response.headers.get("connection") == "close"
        assert json.loads(response.body)["code"] == "body_too_large"
    assert service.connections == 0


async def test_refused_expect_continue_closes_the_connection() -> None:
    """A client that expected 100 Continue may send the body or not: the next bytes are ambiguous."""
    async with gateway(1) as port, connect(port) as client:
        await client.write(request("POST", "/api/nobodys", "Content-Length: 2", "Expect: 100-continue"))
        response = await client.response()
        assert (response.status, response.headers.get("connection")) == (404, "close")


async def test_oversized_expect_continue_is_refused() -> None:
    async with (
        listening(Scripted().talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(
            request("POST", "/api/songs", f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")
        )
        first, _ = await read_head(client.reader)
    assert first.startswith("HTTP/1.1 413 ")


@pytest.mark.parametrize("chunked", [True, False])
async def test_client_still_sending_gets_the_refusal(chunked: bool) -> None:
    total = 40 * LIMIT
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {total}"
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", framing))
        assert await client.push(total, chunked=chunked) == total
        assert (await client.response()).status == 413
        assert await client.at_end()
    assert all(not received.complete for received in service.received)


async def test_oversized_body_is_aborted_at_the_service() -> None:
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked"))
        await client.push(2 * LIMIT, chunked=True)
        assert (await client.response()).status == 413
    assert [received.complete for received in service.received] == [False]


async def test_httpx_gets_the_refusal_of_oversized_bodies() -> None:
    async with (
        listening(Scripted().talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client,
    ):
        declared = await client.post("/api/songs", content=b"x" * (20 * LIMIT))
        streamed = await client.post("/api/songs", content=pieces(20 * LIMIT))
        after = await client.get("/api/songs")
    assert (declared.status_code, streamed.status_code, after.status_code) == (413, 413, 200)


async def pieces(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // len(PIECE)):
        yield PIECE


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("framing", [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect:"]])
async def test_curl_gets_the_refusal_of_oversized_files(framing: list[str], tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(b"x" * (20 * LIMIT))
    async with listening(Scripted().talk) as there, gateway(there, max_body_bytes=LIMIT) as port:
        curl = await asyncio.create_subprocess_exec(
            *("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", *framing),
            *("--form", f"audio=@{song}", f"http://127.0.0.1:{port}/api/songs"),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            said, _ = await curl.communicate()
    assert (curl.returncode, said) == (0, b"413")


async def test_refused_endless_body_ends_the_connection() -> None:
    async with (
        listening(Scripted().talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked"))
        assert await client.push(1000 * LIMIT, chunked=True) < 1000 * LIMIT


@pytest.mark.parametrize(("length", "received"), [(8, []), (100_000, [False])], ids=["short", "long"])
async def test_stalled_body_is_refused(length: int, received: list[bool]) -> None:
    """The service sees only a long body, and not its end."""
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, idle_timeout_seconds=0.2) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", f"Content-Length: {length}") + b"half")
        response = await client.response()
    assert response.status == 408
    assert json.loads(response.body)["code"] == "request_timeout"
    assert [each.complete for each in service.received] == received


async def test_endless_slow_body_is_refused() -> None:
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, max_body_seconds=0.4) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked"))
        response = asyncio.ensure_future(client.response())
        while not response.done():
            await client.write(b"1\r\nx\r\n")
            await asyncio.sleep(0.05)
    assert (await response).status == 408
    assert json.loads((await response).body)["code"] == "request_timeout"
    assert [received.complete for received in service.received] == [False]


SMUGGLED = "0\r\n\r\nGET /api/admin/users HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 6", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 6"],
        ["Content-Length: 4", "Content-Length: 6"],
        ["Content-Length: 4, 4"],
        ["Content-Length: +4"],
        ["Content-Length: 0x4"],
        ["Content-Length: -1"],
        ["Content-Length: four"],
        ["Content-Length: 99999999999999999999999"],
        ["Transfer-Encoding: identity"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding : chunked"],
        ["Transfer-Encoding: chunked\r\n folded"],
    ],
)
async def test_ambiguous_content_length_is_refused(lines: list[str]) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", *lines) + SMUGGLED.encode())
        assert (await client.response()).status == 400
        assert await client.at_end()
    assert service.received == []


async def test_duplicate_content_length_is_refused() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", "Content-Length: 2", "Content-Length: 2") + b"{}")
        assert (await client.response()).status == 400
    assert service.received == []


async def test_upgrade_body_is_not_smuggled_upstream() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there, idle_timeout_seconds=0.3) as port:
        async with connect(port) as client:
            hidden = request("GET", "/api/admin/users")
            await client.write(
                request("POST", "/api/songs", "Connection: Upgrade", "Upgrade: h2c", body=hidden)
            )
            await client.response()
        await send_request(port, "GET", "/api/songs/after")
    assert "/admin/users" not in [received.target for received in service.received]
    assert service.last.target == "/songs/after"
