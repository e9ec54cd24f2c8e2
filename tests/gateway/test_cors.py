"""CORS: handled by the gateway, for the front ends' origins, on every response, once."""

import asyncio

import pytest

from tests.gateway.gateway import FRONT_END, gateway
from tests.gateway.services import Scripted, closed_port, listening, plain
from tests.gateway.wire import Headers, connect, read_request, request, send_request

OTHER_FRONT_END = "https://app.example.com"
ORIGINS = f"{FRONT_END}, {OTHER_FRONT_END}/"

CORS_OF_A_SERVICE = (
    "Access-Control-Allow-Origin: *",
    "Access-Control-Allow-Credentials: true",
    "Access-Control-Expose-Headers: X-Secret",
)


def granted(headers: Headers) -> dict[str, str]:
    """The CORS headers, each of which may be there once."""
    return {name: headers.get(name) or "" for name in headers.names if name.startswith("access-control-")}


def words(listed: str) -> set[str]:
    return {word.strip().lower() for word in listed.split(",")}


@pytest.mark.parametrize("origin", [FRONT_END, OTHER_FRONT_END])
async def test_allowed_origin_may_read_credentialed_responses(origin: str) -> None:
    service = Scripted(plain(b"{}", *CORS_OF_A_SERVICE, "Vary: Accept-Encoding"))
    async with listening(service.talk) as there, gateway(there, frontend_origins=ORIGINS) as port:
        response = await send_request(port, "GET", "/api/songs", f"Origin: {origin}")
    found = granted(response.headers)
    assert found["access-control-allow-origin"] == origin
    assert found["access-control-allow-credentials"] == "true"
    assert words(found["access-control-expose-headers"]) >= {
        *("x-request-id", "link", "x-total-count", "etag", "retry-after", "content-length", "content-range"),
        *("x-corrected-query", "cache-status", "ratelimit", "ratelimit-policy"),
    }
    assert words(", ".join(response.headers.all("vary"))) == {"accept-encoding", "origin"}
    assert response.headers.get("timing-allow-origin") == origin


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example.com",
        "http://localhost:5174",
        "https://localhost:5173",
        "http://localhost:5173.evil.example.com",
        "http://LOCALHOST:5173",
        "null",
        "*",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/api/songs", "/api/nobodys", "/health"])
async def test_unlisted_origin_gets_no_cors_headers(origin: str, path: str) -> None:
    service = Scripted(plain(b"{}", *CORS_OF_A_SERVICE))
    async with listening(service.talk) as there, gateway(there) as port:
        simple = await send_request(port, "GET", path, f"Origin: {origin}")
        preflight = await send_request(
            port, "OPTIONS", path, f"Origin: {origin}", "Access-Control-Request-Method: PUT"
        )
    for response in (simple, preflight):
        assert granted(response.headers) == {}
        assert "origin" in words(", ".join(response.headers.all("vary")))


async def test_request_without_origin_gets_only_vary() -> None:
    service = Scripted(plain(b"{}", *CORS_OF_A_SERVICE))
    async with listening(service.talk) as there, gateway(there) as port:
        response = await send_request(port, "GET", "/api/songs")
    assert granted(response.headers) == {}
    assert response.headers.all("vary") == ["Origin"]


@pytest.mark.parametrize("path", ["/api/songs", "/api/nobodys", "/health"])
async def test_gateway_handles_preflight_requests(path: str) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port:
        response = await send_request(
            *(port, "OPTIONS", path, f"Origin: {FRONT_END}", "Access-Control-Request-Method: PATCH"),
            "Access-Control-Request-Headers: authorization, x-clerk-session-id",
        )
    found = granted(response.headers)
    assert (response.status, service.received) == (204, [])
    assert found["access-control-allow-origin"] == FRONT_END
    assert found["access-control-allow-credentials"] == "true"
    assert found["access-control-max-age"] == "600"
    assert words(found["access-control-allow-methods"]) >= {"get", "head", "post", "put", "patch", "delete"}
    assert words(found["access-control-allow-headers"]) == {
        *("authorization", "content-type", "x-clerk-session-id", "cache-control", "pragma", "expires"),
        *("x-request-id", "idempotency-key", "if-match", "if-none-match"),
    }


async def test_plain_options_request_is_relayed() -> None:
    service = Scripted(plain(b"mine", "Allow: GET"))
    async with listening(service.talk) as there, gateway(there) as port:
        response = await send_request(port, "OPTIONS", "/api/songs", f"Origin: {FRONT_END}")
    assert (response.body, response.headers.get("allow")) == (b"mine", "GET")
    assert service.last.method == "OPTIONS"


async def test_gateway_errors_carry_cors_headers() -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = await read_request(reader, writer)
        if received.target == "/songs/late":
            await reader.read(1)

    limits = {"max_body_bytes": 10, "first_byte_timeout_seconds": 0.1}
    away = f"http://127.0.0.1:{await closed_port()}"
    origin = f"Origin: {FRONT_END}"
    async with listening(broken) as there, gateway(there, album_service_url=away, **limits) as port:
        responses = [
            await send_request(port, "GET", "/api/nobodys", origin),
            await send_request(port, "POST", "/health", origin),
            await send_request(port, "POST", "/api/songs", origin, body=b"far too large"),
            await send_request(port, "GET", "/api/songs", origin),
            await send_request(port, "GET", "/api/albums", origin),
            await send_request(port, "GET", "/api/songs/late", origin),
            await send_request(port, "GET", "/health/services", origin),
        ]
    assert [response.status for response in responses] == [404, 405, 413, 503, 503, 504, 503]
    assert {response.headers.get("access-control-allow-origin") for response in responses} == {FRONT_END}


async def test_internal_error_has_cors_and_no_details(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mistaken() -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("api_gateway.health.own_health", mistaken)
    async with gateway(1) as port, connect(port) as client:
        await client.write(request("GET", "/health", f"Origin: {FRONT_END}"))
        response = await client.response()
    assert response.status == 500
    assert response.headers.get("access-control-allow-origin") == FRONT_END
    assert b"secret" not in response.body
    assert b"ZeroDivision" not in response.body
