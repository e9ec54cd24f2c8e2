"""Bodies that are too large, too slow or of unclear length, and answers that do not wait for the body."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import (
    PATIENCE_SECONDS,
    BrokenOffError,
    Client,
    ask,
    connect,
    hear,
    read_chunk,
    read_head,
    request,
)

LIMIT = 1024 * 1024
PIECE = b"x" * 65536


async def push(client: Client, total: int, *, chunked: bool) -> int:
    """Send `total` bytes without looking for an answer, as a browser does; how many could be sent."""
    sent = 0
    try:
        while sent < total:
            await client.write(b"10000\r\n" + PIECE + b"\r\n" if chunked else PIECE)
            sent += len(PIECE)
        if chunked:
            await client.write(b"0\r\n\r\n")
    except ConnectionError:
        return sent
    return sent


async def test_a_body_of_just_the_limit_passes() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there, max_body_bytes=LIMIT) as port:
        assert (await ask(port, "POST", "/api/songs", body=b"x" * LIMIT)).status == 200
    assert len(service.last.body) == LIMIT


async def test_a_declared_length_over_the_limit_is_refused_before_a_byte_is_read() -> None:
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", f"Content-Length: {LIMIT + 1}"))
        answer = await client.answer()
        assert answer.status == 413
        assert answer.headers.get("connection") == "close"
        assert json.loads(answer.body)["code"] == "body_too_large"
    assert service.connections == 0


async def test_a_body_that_may_or_may_not_follow_a_refusal_costs_the_connection() -> None:
    """Who asked for permission and got a refusal may send the body or not: the next bytes are ambiguous."""
    async with gateway(1) as port, connect(port) as client:
        await client.write(request("POST", "/api/nobodys", "Content-Length: 2", "Expect: 100-continue"))
        answer = await client.answer()
        assert (answer.status, answer.headers.get("connection")) == (404, "close")


async def test_a_client_that_waits_for_permission_is_refused_without_it() -> None:
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
async def test_a_client_that_sends_on_without_looking_still_gets_the_refusal(chunked: bool) -> None:
    total = 40 * LIMIT
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {total}"
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", framing))
        assert await push(client, total, chunked=chunked) == total
        assert (await client.answer()).status == 413
        assert await client.at_end()
    assert all(not heard.complete for heard in service.heard)


async def test_a_body_over_the_limit_is_cut_at_the_service_so_that_it_is_not_taken_for_whole() -> None:
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked"))
        await push(client, 2 * LIMIT, chunked=True)
        assert (await client.answer()).status == 413
    assert [heard.complete for heard in service.heard] == [False]


async def test_httpx_gets_the_refusal_of_a_body_over_the_limit() -> None:
    async with (
        listening(Scripted().talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
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
async def test_curl_gets_the_refusal_of_a_file_over_the_limit(framing: list[str], tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(b"x" * (20 * LIMIT))
    async with listening(Scripted().talk) as there, gateway(there, max_body_bytes=LIMIT) as port:
        curl = await asyncio.create_subprocess_exec(
            *("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", *framing),
            *("--form", f"audio=@{song}", f"http://127.0.0.1:{port}/api/songs"),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            said, _ = await curl.communicate()
    assert (curl.returncode, said) == (0, b"413")


async def test_after_a_refusal_the_connection_ends_although_the_client_would_send_for_ever() -> None:
    async with (
        listening(Scripted().talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked"))
        assert await push(client, 1000 * LIMIT, chunked=True) < 1000 * LIMIT


async def test_a_client_that_stops_within_its_body_is_told_so() -> None:
    service = Scripted()
    async with (
        listening(service.talk) as there,
        gateway(there, idle_timeout_seconds=0.2) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Content-Length: 8") + b"half")
        answer = await client.answer()
    assert answer.status == 408
    assert json.loads(answer.body)["code"] == "request_timeout"
    assert [heard.complete for heard in service.heard] == [False]


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
async def test_a_length_that_two_servers_could_read_differently_is_refused(lines: list[str]) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", *lines) + SMUGGLED.encode())
        assert (await client.answer()).status == 400
        assert await client.at_end()
    assert service.heard == []


async def test_two_equal_lengths_are_no_reason_to_guess_either() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", "Content-Length: 2", "Content-Length: 2") + b"{}")
        assert (await client.answer()).status == 400
    assert service.heard == []


async def test_a_body_hidden_behind_an_upgrade_does_not_poison_the_connection_to_the_service() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there, idle_timeout_seconds=0.3) as port:
        async with connect(port) as client:
            hidden = request("GET", "/api/admin/users")
            await client.write(
                request("POST", "/api/songs", "Connection: Upgrade", "Upgrade: h2c", body=hidden)
            )
            await client.answer()
        await ask(port, "GET", "/api/songs/after")
    assert "/admin/users" not in [heard.target for heard in service.heard]
    assert service.last.target == "/songs/after"


REFUSED = plain(b'{"error":"no"}', "Content-Type: application/problem+json", status="401 Unauthorized")


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("then", ["close", "read", "linger"])
async def test_an_answer_before_the_end_of_the_body_is_relayed(then: str, chunked: bool) -> None:
    total = 20 * LIMIT

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(REFUSED)
        await writer.drain()
        if then == "read":
            while await reader.read(65536):
                pass
        elif then == "linger":
            await reader.read(1)

    async with listening(talk) as there, gateway(there) as port:
        for _ in range(10):
            async with connect(port) as client:
                framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {total}"
                await client.write(request("POST", "/api/songs", framing))
                await push(client, total, chunked=chunked)
                answer = await client.answer()
                assert (answer.status, answer.body) == (401, b'{"error":"no"}')
                assert await client.at_end()


async def test_a_client_that_stops_sending_at_an_early_answer_gets_it_whole_at_once() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(REFUSED)
        await reader.read(1)

    async with listening(talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("POST", "/api/songs", f"Content-Length: {LIMIT}") + PIECE)
        assert (await client.answer()).status == 401


async def test_a_body_that_grows_too_large_after_the_answer_has_begun_cuts_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n")
        await reader.read(-1)

    async with (
        listening(talk) as there,
        gateway(there, max_body_bytes=LIMIT) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", "Transfer-Encoding: chunked") + b"1\r\nx\r\n")
        await read_head(client.reader)
        assert await read_chunk(client.reader) == b"begun"
        await push(client, 2 * LIMIT, chunked=True)
        with pytest.raises((BrokenOffError, ConnectionError)):
            await read_chunk(client.reader)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_small_body_that_nobody_read_does_not_cost_the_connection() -> None:
    async with listening(Scripted().talk) as there, gateway(there) as port, connect(port) as client:
        for _ in range(3):
            await client.write(request("POST", "/api/nobodys", body=b"{}"))
            assert (await client.answer()).status == 404
        await client.write(request("GET", "/api/songs"))
        assert (await client.answer()).status == 200


async def test_an_upload_that_the_service_does_not_take_is_given_up() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(PATIENCE_SECONDS)

    async with (
        listening(talk) as there,
        gateway(there, idle_timeout_seconds=0.3) as port,
        connect(port) as client,
    ):
        await client.write(request("POST", "/api/songs", f"Content-Length: {100 * LIMIT}"))
        await push(client, 100 * LIMIT, chunked=False)
        assert (await client.answer()).status == 504


async def test_a_whole_request_is_answered_although_the_service_answers_at_its_first_byte() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(plain(b"early"))
        await hear(reader)

    async with listening(talk) as there, gateway(there) as port:
        answer = await ask(port, "POST", "/api/songs", body=b"x" * LIMIT)
    assert (answer.status, answer.body) == (200, b"early")
