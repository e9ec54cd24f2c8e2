"""Services that are down, late or broken: the response to each failure, and what is retried."""

import asyncio
import contextlib
import json
from collections import Counter

import pytest

from shared.http.client.pool import IDLE_CONNECTION_SECONDS, ConnectionPool
from shared.http.serve import KEEP_ALIVE_SECONDS
from tests.gateway.gateway import FRONT_END, gateway
from tests.gateway.services import Scripted, Talk, closed_port, listening, plain, reset
from tests.gateway.wire import (
    BrokenOffError,
    Response,
    connect,
    read_head,
    read_request,
    request,
    send_request,
)


async def response_before(talk: Talk, method: str = "GET", **changed: object) -> Response:
    """The response to a client when the service behaves like `talk`."""
    async with listening(talk) as there, gateway(there, **changed) as port:
        return await send_request(port, method, "/api/songs", f"Origin: {FRONT_END}")


def check_problem(response: Response, status: int, code: str) -> None:
    """It is a problem document with CORS headers and without internal details."""
    problem = json.loads(response.body)
    assert (response.status, problem["status"], problem["code"]) == (status, status, code)
    assert response.headers.get("content-type") == "application/problem+json"
    assert problem["error"] == problem["detail"]
    assert problem["requestId"] == response.headers.get("x-request-id")
    assert response.headers.get("access-control-allow-origin") == FRONT_END
    assert response.headers.get("date")
    for secret in ("127.0.0.1", "localhost", "httptools", "Error", "/songs"):
        assert secret not in response.body.decode()


async def test_refused_connection_is_503_with_retry_after() -> None:
    async with gateway(await closed_port()) as port:
        response = await send_request(port, "GET", "/api/songs", f"Origin: {FRONT_END}")
    check_problem(response, 503, "service_unreachable")
    assert int(response.headers.get("retry-after") or 0) >= 1


async def test_unknown_host_is_503() -> None:
    async with gateway(1, song_service_url="http://no-such-service.invalid:80") as port:
        response = await send_request(port, "GET", "/api/songs", f"Origin: {FRONT_END}")
    check_problem(response, 503, "service_unreachable")
    assert "invalid" not in response.body.decode()


async def test_connect_timeout_is_503() -> None:
    # An address reserved for documentation: packets to it go nowhere.
    async with gateway(1, song_service_url="http://192.0.2.1:80", connect_timeout_seconds=0.2) as port:
        check_problem(
            await send_request(port, "GET", "/api/songs", f"Origin: {FRONT_END}"), 503, "service_unreachable"
        )


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader, writer)
    await reader.read(1)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_response_timeout_is_504(method: str) -> None:
    check_problem(await response_before(silent, method, first_byte_timeout_seconds=0.2), 504, "service_late")


async def test_uploads_have_a_longer_response_timeout() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        await asyncio.sleep(0.5)
        writer.write(plain(b"stored"))

    limits = {"first_byte_timeout_seconds": 0.1, "upload_answer_timeout_seconds": 30}
    async with listening(talk) as there, gateway(there, **limits) as port:
        form = "Content-Type: multipart/form-data; boundary=x"
        uploaded = await send_request(port, "POST", "/api/songs", form, body=b"--x--")
        posted = await send_request(
            port, "POST", "/api/songs/batch", "Content-Type: application/json", body=b"{}"
        )
    assert (uploaded.status, posted.status) == (200, 504)


async def test_waiting_for_a_free_connection_ends_in_503() -> None:
    async with (
        listening(silent) as there,
        gateway(
            there, max_connections_per_service=1, pool_timeout_seconds=0.1, connect_timeout_seconds=0.1
        ) as port,
        connect(port) as first,
    ):
        await first.write(request("GET", "/api/songs"))
        await asyncio.sleep(0.05)
        assert (await send_request(port, "GET", "/api/songs")).status == 503


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nX-Bad: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
    ids=lambda said: said[:60].decode("latin-1"),
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unusable_response_is_502(said: bytes, method: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(said)

    check_problem(await response_before(talk, method), 502, "service_bad_answer")


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader, writer)


async def test_read_whose_connection_is_lost_is_503() -> None:
    response = await response_before(closing)
    check_problem(response, 503, "service_unreachable")
    assert int(response.headers.get("retry-after") or 0) >= 1


async def test_write_whose_connection_is_lost_is_502_without_retry_after() -> None:
    """The service may have carried it out."""
    response = await response_before(closing, "POST")
    check_problem(response, 502, "service_connection_lost")
    assert response.headers.get("retry-after") is None


async def test_reset_does_not_complete_a_response_without_length() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nok")
        await asyncio.sleep(0.1)
        reset(writer)

    with pytest.raises(BrokenOffError):
        await response_before(talk)


@pytest.mark.parametrize(
    ("status", "after"), [("503 Service Unavailable", "9"), ("429 Too Many Requests", "8"), ("504 Late", "7")]
)
async def test_service_refusal_passes_unchanged(status: str, after: str) -> None:
    service = Scripted(plain(b'{"error":"mine"}', f"Retry-After: {after}", status=status))
    async with listening(service.talk) as there, gateway(there) as port:
        responses = [await send_request(port, "GET", "/api/songs") for _ in range(30)]
    assert {(response.status, response.body) for response in responses} == {
        (int(status[:3]), b'{"error":"mine"}')
    }
    assert responses[-1].headers.get("retry-after") == after


class FailsFirst:
    """A service that closes the connection of the first request and responds to the next."""

    def __init__(self) -> None:
        self.seen = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        self.seen += 1
        if self.seen > 1:
            writer.write(plain(b""))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_read_is_retried_after_connection_failure(method: str) -> None:
    service = FailsFirst()
    response = await response_before(service.talk, method)
    assert (response.status, service.seen) == (200, 2)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_writes_are_never_retried(method: str) -> None:
    service = FailsFirst()
    response = await response_before(service.talk, method)
    assert (response.status, service.seen) == (502, 1)


async def test_read_with_a_body_is_not_retried() -> None:
    service = FailsFirst()
    async with listening(service.talk) as there, gateway(there) as port:
        response = await send_request(port, "GET", "/api/songs", body=b"{}")
    assert (response.status, service.seen) == (502, 1)


async def test_read_is_retried_once_only() -> None:
    seen = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        await read_request(reader, writer)
        seen += 1

    response = await response_before(talk)
    assert (response.status, seen) == (503, 2)


async def test_timeout_is_not_retried() -> None:
    seen = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        await read_request(reader, writer)
        seen += 1
        await reader.read(1)

    response = await response_before(talk, first_byte_timeout_seconds=0.2)
    assert (response.status, seen) == (504, 1)


async def test_gateway_closes_idle_connections_before_services_do() -> None:
    assert IDLE_CONNECTION_SECONDS < KEEP_ALIVE_SECONDS / 2


async def test_posts_near_the_idle_timeout_succeed() -> None:
    """The gateway's idle time is 0.1 s, the service's 0.3 s; pauses lie around both."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.3):
                    await read_head(reader)
                writer.write(plain())

    async def post(pool: ConnectionPool, pause: float) -> None:
        for _ in range(5):
            connection = pool.take() or await pool.connect()
            response = connection.send("POST", request("POST", "/"), idle_seconds=30)
            connection.request_sent(30)
            await response.wait_for_head()
            returned[response.status] += 1
            assert await response.read() == b"{}"
            await asyncio.sleep(pause)

    returned: Counter[int] = Counter()
    pauses = [0.08 + 0.01 * number for number in range(26)]
    async with listening(talk) as there:
        pool = ConnectionPool(f"http://127.0.0.1:{there}", 30, idle_connection_seconds=0.1)
        await asyncio.gather(*(post(pool, pause) for pause in pauses))
        pool.close()
    assert returned == {200: 5 * len(pauses)}


async def test_unannounced_connection_close_costs_no_request() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(plain(b"once"))

    async with listening(talk) as there, gateway(there) as port:
        statuses = []
        for _ in range(50):
            statuses.append((await send_request(port, "POST", "/api/songs", body=b"{}")).status)
            await asyncio.sleep(0.002)
    assert statuses == [200] * 50


async def test_restarted_service_is_used_at_once() -> None:
    service = Scripted()
    there = await closed_port()
    async with gateway(there) as port:
        assert (await send_request(port, "POST", "/api/songs")).status == 503
        async with listening(service.talk, there):
            assert (await send_request(port, "POST", "/api/songs")).status == 200
        assert (await send_request(port, "POST", "/api/songs")).status == 503
