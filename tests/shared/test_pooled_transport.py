"""The connections to services and providers."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.http.client.connection import UpstreamConnection
from shared.http.client.pool import ConnectionPool
from shared.http.pooled_transport import PooledTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\n\r\nok"


class Server:
    """Gives each request the next of these responses; an empty one closes the connection."""

    def __init__(self, responses: Sequence[bytes]) -> None:
        self._responses = list(responses)
        self.connections = 0
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self._responses:
                await reader.readuntil(b"\r\n\r\n")
                response = self._responses.pop(0)
                writer.write(response)
                if response in (b"", CLOSING, UNTIL_CLOSED):
                    return
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    *responses: bytes, timeout_seconds: float = 30, **options: Any
) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    served = Server(responses)
    async with await asyncio.start_server(served.handle, "127.0.0.1", 0) as server:
        served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        transport = PooledTransport(served.url, timeout_seconds, **options)
        async with httpx.AsyncClient(
            base_url=served.url, transport=transport, timeout=timeout_seconds
        ) as http:
            yield served, http


@pytest.mark.parametrize(
    ("response", "connections"), [(OK, 1), (CHUNKED, 1), (CLOSING, 3), (UNTIL_CLOSED, 3)]
)
async def test_connection_is_kept_where_the_server_keeps_it(response: bytes, connections: int) -> None:
    async with serving(*[response] * 3) as (server, http):
        assert [(await http.get("/")).content for _ in range(3)] == [b"ok"] * 3
    assert server.connections == connections


async def test_interim_response_is_skipped() -> None:
    async with serving(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK) as (_, http):
        response = await http.get("/")
    assert (response.status_code, response.content, "link" in response.headers) == (200, b"ok", False)


async def test_idle_connection_is_replaced_after_a_while() -> None:
    async with serving(OK, OK, idle_connection_seconds=0.0) as (server, http):
        await http.get("/")
        await http.get("/")
    assert server.connections == 2


async def test_unread_response_gives_its_connection_up() -> None:
    async with serving(OK.replace(b": 2", b": 9"), OK) as (server, http):
        async with http.stream("GET", "/") as response:
            assert response.status_code == 200
        assert (await http.get("/")).content == b"ok"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (b"", httpx.ReadError),
        (b"SSH-2.0-OpenSSH_9.6\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", httpx.ReadTimeout),
        (b"HTTP/1.1 200 OK\r\n", httpx.ReadTimeout),
    ],
)
async def test_failure_is_an_error_of_httpx(response: bytes, failure: type[Exception]) -> None:
    async with serving(response, OK, timeout_seconds=0.3) as (_, http):
        with pytest.raises(failure):
            await http.get("/")


async def test_unreachable_server_is_a_connection_error() -> None:
    async with serving() as (server, _):
        url = server.url
    async with httpx.AsyncClient(base_url=url, transport=PooledTransport(url, 30), timeout=30) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("/")


async def test_connection_made_for_a_cancelled_call_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, closed = asyncio.get_running_loop(), asyncio.Event()
    make = loop.create_connection

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        closed.set()

    async def make_and_cancel(*arguments: Any, **options: Any) -> Any:
        made = await make(*arguments, **options)
        loop.call_soon(call.cancel)
        return made

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with httpx.AsyncClient(transport=PooledTransport(url, 30), timeout=30) as http:
            monkeypatch.setattr(loop, "create_connection", make_and_cancel)
            call = asyncio.create_task(http.get(url))
            with pytest.raises(asyncio.CancelledError):
                await call
            async with asyncio.timeout(15):
                await closed.wait()


async def test_cancelled_call_leaves_the_connection_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cancelled when its response is complete, and another call has the connection already."""
    loop, calls = asyncio.get_running_loop(), list[asyncio.Task[httpx.Response]]()
    release = ConnectionPool._released

    def release_and_cancel(pool: ConnectionPool, connection: UpstreamConnection) -> None:
        release(pool, connection)
        if len(calls) == 1:
            calls.append(loop.create_task(http.get("/next")))
            loop.call_soon(calls[0].cancel)

    monkeypatch.setattr(ConnectionPool, "_released", release_and_cancel)
    async with serving(OK, OK, OK) as (server, http):
        await http.get("/")
        calls.append(loop.create_task(http.get("/cancelled")))
        await asyncio.wait(calls)
        assert calls[0].cancelled()
        assert (await calls[1]).content == b"ok"
    assert server.connections == 1


async def test_calls_wait_for_one_of_the_connections() -> None:
    async with serving(OK, OK, OK, OK, max_connections=1) as (server, http):
        assert [each.content for each in await asyncio.gather(*(http.get("/") for _ in range(3)))] == [
            b"ok"
        ] * 3
        async with http.stream("GET", "/"):
            with pytest.raises(httpx.PoolTimeout):
                await http.get("/", timeout=0.3)
    assert server.connections == 1


def _certificate(host: str) -> tuple[bytes, bytes]:
    """A new certificate for `host`, signed with its own key, and that key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM), key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


@pytest.mark.parametrize(
    ("named", "is_trusted", "is_accepted"),
    [("localhost", True, True), ("localhost", False, False), ("other.example", True, False)],
)
async def test_server_with_tls_is_verified(
    named: str, *, is_trusted: bool, is_accepted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = _certificate(named)
    (tmp_path / "certificate.pem").write_bytes(certificate)
    (tmp_path / "key.pem").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    served = Server([OK, OK])
    async with await asyncio.start_server(served.handle, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, transport=PooledTransport(url, 30), timeout=30) as http:
            if is_accepted:
                assert [(await http.get("/")).content for _ in range(2)] == [b"ok", b"ok"]
                assert served.connections == 1
            else:
                with pytest.raises(httpx.ConnectError, match="SSLCertVerificationError"):
                    await http.get("/")
