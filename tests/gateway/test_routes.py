"""Which paths lead where, and which lead nowhere."""

import json
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.route_table import SERVICE_OF_PREFIX, find_target, is_upload
from tests.gateway.gateway import gateway, settings_for
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import send_request


@pytest.mark.parametrize(
    ("path", "service", "passed"),
    [
        ("/api/auth/me", "user", "/auth/me"),
        ("/api/users/1", "user", "/users/1"),
        ("/api/admin/users", "user", "/admin/users"),
        ("/api/songs", "song", "/songs"),
        ("/api/songs/", "song", "/songs"),
        ("/api/admin/songs/1/visible", "song", "/admin/songs/1/visible"),
        ("/api/albums/1/songs/2", "album", "/albums/1/songs/2"),
        ("/api/admin/albums", "album", "/admin/albums"),
        ("/api/songs/a%2Fb%41%c3%a9", "song", "/songs/a%2Fb%41%c3%a9"),
        ("/api/songs/..a/b..", "song", "/songs/..a/b.."),
        ("/api/songs/%252e%252e", "song", "/songs/%252e%252e"),
        ("/%61pi/%73ongs/1", "song", "/%73ongs/1"),
    ],
)
def test_path_is_routed_without_its_prefix(path: str, service: str, passed: str) -> None:
    target = find_target(path.encode())
    assert target is not None
    assert (target.service, target.path) == (service, passed.encode())


@pytest.mark.parametrize("path", ["/api/songs", "/api/songs/", "/api/song%73", "/%61pi/%73ongs"])
def test_upload_is_recognised_by_its_decoded_path(path: str) -> None:
    target = find_target(path.encode())
    assert target is not None
    assert is_upload("POST", target)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/api",
        "/api/",
        "/songs",
        "/apix/songs",
        "/api/songsx",
        "/api/admin",
        "/api/admin/songsx",
        "/api/admin%2Fsongs",
        "/api/songs%2F1",
        "/api/songs/../users",
        "/api/songs/%2e%2e/users",
        "/api/songs/%2E./users",
        "/api/songs/..%2fusers",
        "/api/songs/a%2f..%2f..%2fusers",
        "/api/songs/..%5cusers",
        "/api/songs/..\\users",
        "/api/songs/..;x=1/users",
        "/api/songs/./1",
        "/api/songs/..",
        "/api//songs",
        "/api/songs//1",
        "/api/songs//",
        "//api/songs",
        "api/songs",
        "/internal/api/songs",
        "/api/health",
        "/metrics",
        "/api/metrics",
    ],
)
def test_unknown_or_escaping_path_has_no_route(path: str) -> None:
    assert find_target(path.encode()) is None


@given(st.text(alphabet="/.%2eE5cCfFasongs\\;", max_size=24))
def test_no_path_normalises_out_of_its_prefix(rest: str) -> None:
    target = find_target(b"/api/songs/" + rest.encode())
    if target is None:
        return
    kept: list[bytes] = []
    for segment in unquote_to_bytes(target.path).replace(b"\\", b"/").split(b"/"):
        if segment == b"..":
            kept = kept[:-1]
        elif segment not in (b"", b"."):
            kept.append(segment)
    assert kept[0] == b"songs"
    assert target.path == b"/songs" or target.path.startswith(b"/songs/")


def test_every_routed_service_has_a_configured_url() -> None:
    assert set(SERVICE_OF_PREFIX.values()) == set(settings_for("http://127.0.0.1:1").url_of_service)


@pytest.mark.parametrize(
    ("requested", "received"),
    [
        ("/api/songs?a=%41&b=%27&c=%2F&d=%c3%A9&e=a+b%20c", "/songs?a=%41&b=%27&c=%2F&d=%c3%A9&e=a+b%20c"),
        ("/api/songs/%41%2f%c3?x[]=1&x[]=2&y", "/songs/%41%2f%c3?x[]=1&x[]=2&y"),
        ("/api/songs/'(1)'!$&*,;=:@~", "/songs/'(1)'!$&*,;=:@~"),
        ("/api/songs/?t=1/", "/songs?t=1/"),
        ("/api/songs?u=http://x/../y&v=//", "/songs?u=http://x/../y&v=//"),
        ('/api/songs?q={"a"}|^`<>', '/songs?q={"a"}|^`<>'),
    ],
)
async def test_path_and_query_arrive_byte_for_byte(requested: str, received: str) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port:
        await send_request(port, "GET", requested)
    assert service.last.target == received


@pytest.mark.parametrize("target", ["/api/songs?q=é", "/api/sóngs", "/api/songs?a=\x01"])
async def test_bytes_invalid_in_a_url_are_refused(target: str) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port:
        assert (await send_request(port, "GET", target)).status == 400
    assert service.received == []


async def test_each_prefix_reaches_its_configured_service() -> None:
    user, song, album = (Scripted(plain(name)) for name in (b"user", b"song", b"album"))
    async with (
        listening(user.talk) as user_port,
        listening(song.talk) as song_port,
        listening(album.talk) as album_port,
        gateway(
            user_port,
            song_service_url=f"http://127.0.0.1:{song_port}",
            album_service_url=f"http://127.0.0.1:{album_port}",
        ) as port,
    ):
        responses = [
            (await send_request(port, "GET", "/api/" + b"/".join(prefix).decode())).body
            for prefix in SERVICE_OF_PREFIX
        ]
    assert responses == [name.encode() for name in SERVICE_OF_PREFIX.values()]


async def test_unknown_path_is_route_not_found() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port:
        response = await send_request(port, "POST", "/api/songsx", body=b"{}")
    problem = json.loads(response.body)
    assert response.status == 404
    assert response.headers.get("content-type") == "application/problem+json"
    assert problem["error"] == problem["detail"] == "Route not found"
    assert problem["code"] == "route_not_found"
    assert problem["requestId"] == response.headers.get("x-request-id")
    assert service.received == []


@pytest.mark.parametrize("path", ["/", "/health", "/health/", "/livez", "/readyz"])
async def test_own_paths_are_served_without_any_service(path: str) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port:
        got, head = await send_request(port, "GET", path), await send_request(port, "HEAD", path)
        refused = await send_request(port, "POST", path, body=b"{}")
    assert (got.status, head.status, refused.status) == (200, 200, 405)
    assert got.headers.get("cache-control") == "no-store"
    assert head.headers.get("content-length") == str(len(got.body))
    assert refused.headers.get("allow") == "GET, HEAD"
    assert json.loads(refused.body)["code"] == "method_not_allowed"
    assert service.received == []


async def test_metrics_are_not_served_to_the_public() -> None:
    async with listening(Scripted().talk) as there, gateway(there) as port:
        assert (await send_request(port, "GET", "/metrics")).status == 404
