"""The transport speaks httpx's language, whatever aiohttp says."""

import asyncio
import inspect
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import httpx
import pytest

from api_gateway.transport import RelayTransport, as_httpx
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import PIECE


def failures_of(kind: type[Exception]) -> list[type[Exception]]:
    """`kind` and all that derive from it in aiohttp."""
    found = [kind]
    for each in kind.__subclasses__():
        found += failures_of(each)
    return [each for each in found if each.__module__.startswith("aiohttp")]


@pytest.mark.parametrize("kind", failures_of(aiohttp.ClientError), ids=lambda kind: kind.__name__)
def test_every_failure_of_aiohttp_has_a_word_in_httpx(kind: type[Exception]) -> None:
    assert inspect.isclass(kind)
    failure = kind.__new__(kind)
    assert isinstance(as_httpx(failure), httpx.TransportError)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (aiohttp.ConnectionTimeoutError(), httpx.ConnectTimeout),
        (
            aiohttp.ClientConnectorError(cast("Any", SimpleNamespace()), OSError(111, "refused")),
            httpx.ConnectError,
        ),
        (aiohttp.SocketTimeoutError(), httpx.ReadTimeout),
        (aiohttp.ServerDisconnectedError(), httpx.ReadError),
        (aiohttp.ClientOSError(104, "reset"), httpx.ReadError),
        (ConnectionResetError(), httpx.ReadError),
        (ssl.SSLError(), httpx.ReadError),
        (TimeoutError(), httpx.ReadTimeout),
        (aiohttp.ClientPayloadError(), httpx.RemoteProtocolError),
    ],
)
def test_failures_that_are_answered_differently_are_told_apart(
    failure: Exception, expected: type[httpx.TransportError]
) -> None:
    assert type(as_httpx(failure)) is expected


async def test_it_serves_an_ordinary_httpx_client() -> None:
    service = Scripted(lambda heard: plain(heard.body, "Set-Cookie: a=1"))
    async with (
        listening(service.talk) as there,
        RelayTransport() as transport,
        httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{there}") as client,
    ):
        answer = await client.post("/a%2Fb?c=%41", content=b"body")
    assert (answer.status_code, answer.content) == (200, b"body")
    assert service.last.target == "/a%2Fb?c=%41"


async def test_closing_an_answer_early_closes_its_connection() -> None:
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        assert await reader.read(1) == b""
        ended.set()

    async with listening(talk) as there, RelayTransport() as transport:
        request = httpx.Request("GET", f"http://127.0.0.1:{there}/")
        answer = await transport.handle_async_request(request)
        await answer.aclose()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_a_body_that_can_only_be_read_blocking_is_a_mistake() -> None:
    class Blocking(httpx.SyncByteStream):
        pass

    async with listening(Scripted().talk) as there, RelayTransport() as transport:
        request = httpx.Request(
            "POST", f"http://127.0.0.1:{there}/", headers={"Transfer-Encoding": "chunked"}, stream=Blocking()
        )
        with pytest.raises(httpx.ReadError):
            await transport.handle_async_request(request)


async def test_an_answer_that_was_in_the_socket_when_writing_failed_is_not_lost() -> None:
    """The service answers and resets the connection while the loop is busy, so that the next write fails."""
    hung_up = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_and_hang_up() -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(plain(b"refused", status="401 Unauthorized"))
        connection.close()
        hung_up.set()

    async def body() -> AsyncIterator[bytes]:
        yield PIECE
        await asyncio.sleep(0)
        assert hung_up.wait(5)
        while True:
            yield PIECE

    service = threading.Thread(target=answer_and_hang_up)
    service.start()
    try:
        async with RelayTransport() as transport:
            request = httpx.Request("POST", f"http://127.0.0.1:{listener.getsockname()[1]}/", content=body())
            answer = await transport.handle_async_request(request)
            assert (answer.status_code, await answer.aread()) == (401, b"refused")
    finally:
        service.join()
        listener.close()
