"""The connections to a service: kept, parsed strictly, and read to their end."""

import asyncio
import socket
import threading
import time

import pytest

from shared.http.client.connection import UpstreamConnection
from shared.http.client.errors import BadResponseError, ConnectError, ConnectionLostError, UpstreamError
from shared.http.client.pool import ConnectionPool
from shared.http.client.response import UpstreamResponse
from tests.gateway.services import Scripted, Talk, closed_port, listening, plain
from tests.gateway.wire import PIECE, read_request, request


def pool_of(port: int) -> ConnectionPool:
    return ConnectionPool(f"http://127.0.0.1:{port}", 5)


async def test_late_event_loop_does_not_time_connections_out() -> None:
    async with listening(Scripted().talk) as port:
        pool = ConnectionPool(f"http://127.0.0.1:{port}", 0.1)
        asyncio.get_running_loop().call_soon(time.sleep, 0.3)
        connection = await pool.connect()
        assert connection.is_usable
        pool.close()


async def begin(pool: ConnectionPool, method: str = "GET", path: str = "/") -> UpstreamResponse:
    """A request that was sent whole."""
    connection = pool.take() or await pool.connect()
    return connection.send(method, request(method, path), idle_seconds=5, response_seconds=5)


async def read_all(response: UpstreamResponse) -> bytes:
    await response.wait_for_head()
    body = b""
    while piece := await response.read():
        body += piece
    return body


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_requests_one_after_another_share_a_connection(method: str) -> None:
    service = Scripted(plain(b"body"))
    async with listening(service.talk) as there:
        pool = pool_of(there)
        for _ in range(5):
            assert await read_all(await begin(pool, method)) == (b"" if method == "HEAD" else b"body")
        pool.close()
    assert (service.connections, len(service.received)) == (1, 5)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more",
    ],
)
async def test_desynchronized_connection_is_not_reused(said: bytes) -> None:
    service = Scripted(said)
    async with listening(service.talk) as there:
        pool = pool_of(there)
        for _ in range(3):
            assert await read_all(await begin(pool)) == b"{}"
        pool.close()
    assert service.connections == 3


async def test_bytes_on_an_idle_connection_close_it() -> None:
    go_on = asyncio.Event()
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader, writer)
        writer.write(plain(b"asked"))
        await go_on.wait()
        writer.write(plain(b"not asked"))
        await reader.read(1)

    async with listening(talk) as there:
        pool = pool_of(there)
        assert await read_all(await begin(pool)) == b"asked"
        go_on.set()
        await asyncio.sleep(0.05)
        assert await read_all(await begin(pool)) == b"asked"
        pool.close()
    assert connections == 2


def saying(said: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(said)

    return talk


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (b"", ConnectionLostError),
        (b"HTTP/1.1 200", BadResponseError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", BadResponseError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", BadResponseError),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            BadResponseError,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", BadResponseError),
        (b"HTTP/2.0 200 OK\r\nContent-Length: 1\r\n\r\na", BadResponseError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", BadResponseError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", BadResponseError),
    ],
)
async def test_unusable_responses_fail(said: bytes, failure: type[UpstreamError]) -> None:
    async with listening(saying(said)) as there:
        pool = pool_of(there)
        with pytest.raises(failure):
            await read_all(await begin(pool))
        pool.close()


async def test_closed_port_is_a_connect_error() -> None:
    pool = pool_of(await closed_port())
    with pytest.raises(ConnectError):
        await pool.connect()


async def test_response_in_the_socket_survives_a_failed_write() -> None:
    """The service responds and resets the connection while the loop is busy, so that the next write fails."""
    hung_up = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def respond_and_close() -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(plain(b"refused", status="401 Unauthorized"))
        connection.close()
        hung_up.set()

    service = threading.Thread(target=respond_and_close)
    service.start()
    try:
        pool = pool_of(listener.getsockname()[1])
        connection = await pool.connect()
        response = connection.send("POST", request("POST", "/", "Content-Length: 99999999"), idle_seconds=5)
        await asyncio.sleep(0)
        assert hung_up.wait(5)
        for _ in range(100):
            await connection.write(PIECE)
        assert await read_all(response) == b"refused"
        assert response.status == 401
        pool.close()
    finally:
        service.join()
        listener.close()


async def test_aborted_request_is_not_sent() -> None:
    service = Scripted(plain(b"body"))
    async with listening(service.talk) as there:
        pool = pool_of(there)
        connection = await pool.connect()
        response = connection.send("GET", request("GET", "/"), idle_seconds=5, response_seconds=5)
        connection.abort()
        with pytest.raises(ConnectionLostError):
            await response.wait_for_head()
        assert await read_all(await begin(pool)) == b"body"
        pool.close()
    assert len(service.received) == 1


async def test_request_on_a_lost_connection_fails_at_once() -> None:
    async def closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(closes) as there:
        pool = pool_of(there)
        connection = await pool.connect()
        await until_closed(connection)
        response = connection.send("GET", request("GET", "/"), idle_seconds=60, response_seconds=60)
        with pytest.raises(ConnectionLostError):
            async with asyncio.timeout(30):
                await response.wait_for_head()
        pool.close()


async def test_bytes_received_before_sending_fail_the_request() -> None:
    service = Scripted(plain(b"asked"))
    async with listening(service.talk) as there:
        pool = pool_of(there)
        connection = await pool.connect()
        response = connection.send("GET", request("GET", "/"), idle_seconds=5, response_seconds=5)
        connection.data_received(plain(b"not asked"))  # in the poll before the batch is written
        with pytest.raises(ConnectionLostError):
            await response.wait_for_head()
        assert await read_all(await begin(pool)) == b"asked"
        pool.close()
    assert (service.connections, len(service.received)) == (2, 1)


async def until_closed(connection: UpstreamConnection) -> None:
    async with asyncio.timeout(30):
        while connection.is_usable:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
