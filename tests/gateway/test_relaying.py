"""What passes between client and service unchanged, what is changed, and what does not pass."""

import asyncio
import gzip

import pytest

from api_gateway.headers import HOP_BY_HOP
from tests.gateway.exchange import exchange
from tests.gateway.gateway import gateway, settings_for
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import connect, request, send_request


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_is_relayed_with_its_body(method: str) -> None:
    received, got = await exchange(
        method, "/api/songs/1", body=b"from the client", response=plain(b"from the service")
    )
    assert (received.method, received.target, received.body) == (method, "/songs/1", b"from the client")
    assert got.body == (b"" if method == "HEAD" else b"from the service")
    assert got.headers.get("content-length") == "16"


@pytest.mark.parametrize(
    "status",
    [
        "200 OK",
        "201 Created",
        "206 Partial Content",
        "301 Moved Permanently",
        "302 Found",
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "418 I'm a Teapot",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ],
)
async def test_every_final_status_is_relayed(status: str) -> None:
    lines = ("Retry-After: 7", "Location: http://elsewhere.test/x", "WWW-Authenticate: Bearer")
    _, got = await exchange("GET", "/api/songs", response=plain(b"said", *lines, status=status))
    assert (got.status, got.body) == (int(status[:3]), b"said")
    assert got.headers.get("retry-after") == "7"
    assert got.headers.get("location") == "http://elsewhere.test/x"
    assert got.headers.get("www-authenticate") == "Bearer"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_bodiless_response_keeps_the_connection_usable(status: str) -> None:
    bare = f'HTTP/1.1 {status}\r\nETag: "a"\r\nContent-Length: 44\r\n\r\n'.encode()
    service = Scripted(bare if status.startswith("304") else bare.replace(b"Content-Length: 44\r\n", b""))
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        for _ in range(2):
            await client.write(request("GET", "/api/songs/1", 'If-None-Match: "a"'))
            got = await client.response()
            assert (got.status, got.headers.get("etag")) == (int(status[:3]), '"a"')
    assert len(service.received) == 2


async def test_informational_response_is_not_final() -> None:
    _, got = await exchange(
        "GET", "/api/songs", response=b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + plain(b"ok")
    )
    assert (got.status, got.body) == (200, b"ok")


async def test_connection_header_cannot_strip_essential_headers() -> None:
    """A toggle that lost its body would flip what it was to set."""
    lines = (
        "Connection: close, content-length, content-type, authorization",
        "Content-Type: application/json",
    )
    body = b'{"isVisible": true}'
    received, _ = await exchange(
        "PATCH", "/api/admin/songs/1/visible", *lines, "Authorization: Bearer t", body=body
    )
    assert received.body == body
    assert received.headers.get("content-type") == "application/json"
    assert received.headers.get("authorization") == "Bearer t"


async def test_ranges_and_conditions_pass_both_ways() -> None:
    requested = {
        "range": "bytes=10-19",
        "if-range": '"v1"',
        "if-none-match": 'W/"a", "b"',
        "if-match": "*",
        "if-modified-since": "Sat, 01 Nov 2025 00:00:00 GMT",
        "accept-encoding": "br;q=1.0, gzip;q=0.5",
    }
    extra = {"content-range": "bytes 10-19/100", "accept-ranges": "bytes", "etag": 'W/"v1"', "age": "3"}
    received, got = await exchange(
        "GET",
        "/api/songs/1",
        *(f"{name}: {value}" for name, value in requested.items()),
        response=plain(
            b"0123456789",
            *(f"{name}: {value}" for name, value in extra.items()),
            status="206 Partial Content",
        ),
    )
    assert {name: received.headers.get(name) for name in requested} == requested
    assert {name: got.headers.get(name) for name in extra} == extra


async def test_compressed_response_is_relayed_compressed() -> None:
    packed = gzip.compress(b"x" * 1000)
    _, got = await exchange("GET", "/api/songs", response=plain(packed, "Content-Encoding: gzip"))
    assert got.body == packed
    assert got.headers.get("content-encoding") == "gzip"


async def test_only_documented_headers_are_added() -> None:
    received, _ = await exchange("GET", "/api/songs")
    assert received.headers.names == {
        "host",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-request-id",
    }
    posted, _ = await exchange("POST", "/api/songs", body=b"{}")
    assert posted.headers.names - received.headers.names == {"content-length"}


async def test_repeated_headers_stay_separate_and_ordered() -> None:
    received, got = await exchange(
        *("GET", "/api/songs", "Cookie: a=1; b=2", "Cookie: c=3", "X-Tag: one", "X-Tag: two, three"),
        response=plain(
            b"{}",
            "Set-Cookie: a=1; Path=/",
            "Set-Cookie: b=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT",
            'Link: <?cursor=1>; rel="next"',
            "Link: </x>; rel=up",
        ),
    )
    assert received.headers.all("cookie") == ["a=1; b=2", "c=3"]
    assert received.headers.all("x-tag") == ["one", "two, three"]
    assert got.headers.all("set-cookie") == ["a=1; Path=/", "b=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT"]
    assert got.headers.all("link") == ['<?cursor=1>; rel="next"', "</x>; rel=up"]


async def test_text_in_headers_passes_byte_for_byte() -> None:
    received, got = await exchange(
        "GET", "/api/songs", "X-Name: Đorđe 🎵", response=plain(b"{}", "X-Name: Zoë")
    )
    assert received.headers.get("x-name") == "Đorđe 🎵".encode().decode("latin-1")
    assert got.headers.get("x-name") == "Zoë".encode().decode("latin-1")


async def test_long_header_passes_both_ways() -> None:
    long = "x" * 30_000
    received, got = await exchange(
        "GET", "/api/songs", f"X-Long: {long}", response=plain(b"{}", f"X-Long: {long}")
    )
    assert received.headers.get("x-long") == got.headers.get("x-long") == long


async def test_hop_by_hop_headers_are_removed() -> None:
    hop_by_hop = [f"{name.decode()}: 1" for name in HOP_BY_HOP - {b"transfer-encoding", b"connection"}]
    received, got = await exchange(
        *("GET", "/api/songs", *hop_by_hop, "Connection: keep-alive, X-Private, Cookie"),
        *("X-Private: 1", "Cookie: a=1", "X-Public: 1"),
        response=plain(b"{}", *hop_by_hop, "Connection: X-Inner", "X-Inner: 1", "X-Public: 1"),
    )
    dropped = {name.decode() for name in HOP_BY_HOP} | {"x-private", "cookie", "x-inner"}
    assert received.headers.names.isdisjoint(dropped)
    assert got.headers.names.isdisjoint(dropped)
    assert received.headers.get("x-public") == got.headers.get("x-public") == "1"


async def test_upgrade_request_is_served_as_ordinary_request() -> None:
    received, got = await exchange("GET", "/api/songs", "Connection: Upgrade", "Upgrade: websocket")
    assert got.status == 200
    assert "upgrade" not in received.headers.names


async def test_expect_continue_is_handled_and_not_relayed() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(request("PUT", "/api/songs/1", "Expect: 100-continue", "Content-Length: 4"))
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.write(b"body")
        assert (await client.response()).status == 200
    assert service.last.body == b"body"
    assert "expect" not in service.last.headers.names


async def test_date_and_server_come_from_the_service() -> None:
    _, got = await exchange(
        "GET", "/api/songs", response=plain(b"{}", "Date: Sat, 01 Nov 2025 00:00:00 GMT", "Server: theirs")
    )
    assert got.headers.get("date") == "Sat, 01 Nov 2025 00:00:00 GMT"
    assert got.headers.get("server") == "theirs"
    _, got = await exchange("GET", "/api/songs")
    assert got.headers.get("date") is not None
    assert got.headers.get("server") is None


async def test_cookies_are_never_shared_between_requests() -> None:
    service = Scripted(lambda received: plain(b"{}", f"Set-Cookie: session=of-{received.target[1:]}; Path=/"))
    async with listening(service.talk) as there:
        settings = settings_for(f"http://localhost:{there}")
        async with gateway(there, song_service_url=settings.song_service_url) as port:
            for _ in range(3):
                await send_request(port, "GET", "/api/songs/ann", "Cookie: session=of-ann")
                await send_request(port, "GET", "/api/songs/bob")
    assert service.connections < len(service.received), "the requests did not share a connection"
    for received in service.received:
        assert received.headers.all("cookie") == (
            ["session=of-ann"] if received.target == "/songs/ann" else []
        )


async def test_chunked_response_passes_without_its_trailers() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
        b"3\r\nabc\r\n0\r\nX-End: 1\r\n\r\n"
    )
    _, got = await exchange("GET", "/api/songs", response=chunked)
    assert got.body == b"abc"
    assert "x-end" not in got.headers.names


async def test_close_delimited_response_passes_complete() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")

    async with listening(talk) as there, gateway(there) as port:
        assert (await send_request(port, "GET", "/api/songs")).body == b"until the end"


async def test_pipelined_requests_get_responses_in_order() -> None:
    service = Scripted(lambda received: plain(received.target.encode()))
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(b"".join(request("GET", f"/api/songs/{number}") for number in range(5)))
        assert [(await client.response()).body for _ in range(5)] == [
            f"/songs/{n}".encode() for n in range(5)
        ]
