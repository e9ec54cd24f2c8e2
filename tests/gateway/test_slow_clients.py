"""Many slow clients (slowloris): all others are served normally."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import (
    CONTINUE,
    TEST_TIMEOUT_SECONDS,
    Response,
    allow_body,
    connect,
    read_body,
    read_head,
    request,
    send_request,
)

PERMITS = 4
ATTACKERS = 60
MEGABYTE = 1024 * 1024
TOKEN = "Authorization: Bearer real"
FORGED = "Authorization: Bearer forged"
MULTIPART = "Content-Type: multipart/form-data; boundary=x"
JSON = "Content-Type: application/json"


async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Like the real services: refuses uploads without a token at their head, others after their body."""
    while True:
        first, headers = await read_head(reader)
        is_upload = first.startswith("POST /songs ")
        if is_upload and headers.get("authorization") != "Bearer real":
            writer.write(plain(b"who?", "Connection: close", status="401 Unauthorized"))
            return
        allow_body(headers, writer)
        body = await read_body(reader, headers)
        writer.write(plain(b"%d bytes" % len(body)))


async def send_slowly(port: int, path: str, lines: tuple[str, ...], stop: asyncio.Event) -> None:
    """Send a byte now and then, and begin again as soon as the connection ends."""
    while not stop.is_set():
        with contextlib.suppress(ConnectionError):
            async with connect(port) as client:
                await client.write(request("POST", path, *lines, "Content-Length: 900000"))
                while not stop.is_set() and not client.reader.at_eof():
                    await client.write(b"x")
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.2):
                            await client.reader.read(65536)


@contextlib.asynccontextmanager
async def attacked(port: int, path: str, *lines: str) -> AsyncIterator[None]:
    stop = asyncio.Event()
    attackers = [asyncio.create_task(send_slowly(port, path, lines, stop)) for _ in range(ATTACKERS)]
    await asyncio.sleep(0.5)
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*attackers)


@pytest.mark.parametrize("path", ["/api/songs", "/api/songs/batch", "/api/auth/callback"])
@pytest.mark.parametrize("kind", [MULTIPART, JSON])
@pytest.mark.parametrize("token", [None, FORGED])
async def test_slow_bodies_do_not_block_others(path: str, kind: str, token: str | None) -> None:
    lines = (kind, token) if token else (kind,)
    async with (
        listening(service) as there,
        gateway(there, max_connections_per_service=PERMITS, pool_timeout_seconds=20) as port,
        attacked(port, path, *lines),
    ):
        for _ in range(5):
            upload = await send_request(port, "POST", "/api/songs", TOKEN, MULTIPART, body=b"x" * 300_000)
            assert (upload.status, upload.body) == (200, b"300000 bytes")
            small = await send_request(port, "POST", "/api/songs/batch", JSON, body=b'{"ids": []}')
            assert small.status == 200
            assert (await send_request(port, "GET", "/api/songs")).status == 200


@pytest.mark.parametrize("lines", [(JSON,), (MULTIPART,), (MULTIPART, TOKEN)])
async def test_bodies_other_than_uploads_are_small(lines: tuple[str, ...]) -> None:
    async with listening(service) as there, gateway(there) as port:
        accepted = await send_request(port, "POST", "/api/songs/batch", *lines, body=b"x" * MEGABYTE)
        too_large = await send_request(port, "POST", "/api/songs/batch", *lines, body=b"x" * (MEGABYTE + 1))
    assert accepted.body == b"%d bytes" % MEGABYTE
    assert (too_large.status, json.loads(too_large.body)["code"]) == (413, "too_large")


async def test_anonymous_body_has_a_short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """However steadily its bytes arrive."""
    monkeypatch.setattr("api_gateway.request_body.ANONYMOUS_BODY_SECONDS", 0.5)
    scripted = Scripted()
    async with listening(scripted.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs/batch", JSON, "Content-Length: 900000"))
        response = asyncio.ensure_future(client.response())
        while not response.done():
            await client.write(b"x")
            await asyncio.sleep(0.05)
    assert (await response).status == 408
    assert scripted.received == []


async def test_large_body_of_a_read_is_ignored() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await read_head(reader)
        assert headers.get("expect") == "100-continue"
        writer.write(plain(b"songs"))
        assert await reader.read() == b""

    async with listening(talk) as there, gateway(there) as port:
        assert (await send_request(port, "GET", "/api/songs", body=b"x" * 2 * MEGABYTE)).body == b"songs"


async def test_oversized_chunked_body_never_reaches_the_service() -> None:
    scripted = Scripted()
    async with listening(scripted.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs/batch", "Transfer-Encoding: chunked"))
        await client.push(2 * MEGABYTE, chunked=True)
        assert (await client.response()).status == 413
        assert scripted.received == []


async def test_chunked_body_reaches_the_service_with_its_length() -> None:
    scripted = Scripted()
    async with listening(scripted.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs/batch", "Transfer-Encoding: chunked"))
        await client.write(b"2\r\n{}\r\n0\r\n\r\n")
        assert (await client.response()).status == 200
    assert (scripted.last.headers.get("content-length"), scripted.last.body) == ("2", b"{}")
    assert scripted.last.headers.get("transfer-encoding") is None


async def test_total_of_buffered_bodies_is_bounded() -> None:
    """Half-sent bodies fill the buffer. Small ones and uploads still pass, the rest when they are gone."""
    async with (
        listening(service) as there,
        gateway(there, body_buffer_bytes=400_000) as port,
        contextlib.AsyncExitStack() as clients,
    ):
        path, half = "/api/songs/batch", b"x" * 60_000
        client = await clients.enter_async_context(connect(port))
        await client.write(request("POST", path, TOKEN, "Content-Length: 200000") + half)
        refused = await first_response_with(503, port, path, TOKEN, body=b"x" * 90_000)
        assert refused.headers.get("retry-after") == "5"
        assert (await send_request(port, "POST", path, body=b"{}")).status == 200
        assert (await send_request(port, "POST", "/api/songs", TOKEN, body=b"x" * 300_000)).status == 200
        await clients.aclose()
        await first_response_with(200, port, path, TOKEN, body=b"x" * 90_000)


async def first_response_with(status: int, port: int, path: str, *lines: str, body: bytes) -> Response:
    """Post until the gateway has noticed what other clients did."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        while True:
            response = await send_request(port, "POST", path, *lines, body=body)
            if response.status == status:
                return response
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("size", [300_000, MEGABYTE, 2 * MEGABYTE])
async def test_slow_reader_holds_no_permit(size: int) -> None:
    """With one permit, others are served while clients read nothing of their responses."""
    scripted = Scripted(lambda received: plain(b"x" * size if received.target == "/songs" else b"small"))
    async with (
        listening(scripted.talk) as there,
        gateway(there, max_connections_per_service=1, pool_timeout_seconds=20) as port,
        contextlib.AsyncExitStack() as clients,
    ):
        readers = [await clients.enter_async_context(connect(port)) for _ in range(5)]
        for client in readers:
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of sockets
            await client.write(request("GET", "/api/songs"))
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            assert (await send_request(port, "GET", "/api/songs/1")).body == b"small"
        for client in readers:
            client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # a transport of sockets
            assert len((await client.response()).body) == size


async def test_total_of_buffered_responses_is_bounded() -> None:
    """Once it is full, a slow reader holds its permit as before, and gets its whole response in the end."""
    size = 2 * MEGABYTE
    scripted = Scripted(plain(b"x" * size))
    async with (
        listening(scripted.talk) as there,
        gateway(
            there, response_buffer_bytes=1, max_connections_per_service=1, pool_timeout_seconds=20
        ) as port,
        connect(port) as client,
    ):
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of sockets
        await client.write(request("GET", "/api/songs"))
        await asyncio.sleep(0.3)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # a transport of sockets
        assert len((await client.response()).body) == size
        assert (await send_request(port, "GET", "/api/songs")).status == 200


async def test_upload_permit_is_acquired_when_service_reads() -> None:
    """Uploads that the service has not accepted hold none, so the accepted one gets the only one."""
    decide = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await read_head(reader)
        if headers.get("authorization") != "Bearer real":
            await decide.wait()
            writer.write(plain(status="401 Unauthorized"))
            return
        writer.write(CONTINUE)
        await read_body(reader, headers)
        writer.write(plain(b"stored"))

    async with (
        listening(talk) as there,
        gateway(there, max_connections_per_service=3, pool_timeout_seconds=20) as port,
        connect(port) as first,
        connect(port) as second,
    ):
        for each in (first, second):
            await each.write(request("POST", "/api/songs", FORGED, "Content-Length: 900000") + b"x")
        stored = await send_request(port, "POST", "/api/songs", TOKEN, body=b"x" * 100_000)
        assert stored.body == b"stored"
        decide.set()
        assert (await first.response()).status == 401


async def test_rejected_origin_is_logged_once_a_minute() -> None:
    async with listening(Scripted().talk) as there, gateway(there) as port:
        with capture_logs() as logs:
            for path in ("/api/songs", "/health", "/api/songs"):
                await send_request(port, "GET", path, "Origin: http://evil.test")
                await send_request(port, "GET", path, "Origin: http://localhost:5173")
            await send_request(port, "GET", "/api/songs", "Origin: http://other.test")
    logged = [each["origin"] for each in logs if "FRONTEND_ORIGINS" in each["event"]]
    assert logged == ["http://evil.test", "http://other.test"]
