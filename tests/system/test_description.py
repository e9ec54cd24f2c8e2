"""Compares the services' OpenAPI with real responses; test_access.py does so for every call."""

import re
from typing import Any

import httpx
import pytest

from embedded.settings import EmbeddedSettings
from embedded.welcome import welcome
from tests.api_description import DOCUMENT, described_at, to_text
from tests.openapi_description import Description
from tests.system.media import make_album, song_form, upload
from tests.system.running import People, RunningSystem

UNKNOWN = "0" * 24
OWN = {"/", "/livez", "/readyz"}
JSON = {"Content-Type": "application/json"}
REFUSED: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "no such album": ("GET", "/albums/{album_id}", {}, 404),
    "no JSON": ("POST", "/songs/batch", {"content": b"{", "headers": JSON}, 400),
    "JSON of a megabyte": ("POST", "/songs/batch", {"content": b" " * 1_048_577, "headers": JSON}, 413),
    "too many ids": ("POST", "/songs/batch", {"json": {"ids": [UNKNOWN] * 501}}, 422),
    "a limit of none": ("GET", "/songs", {"params": {"limit": 0}}, 422),
    "a key too long": (
        "POST",
        "/songs/{song_id}/track/play",
        {"headers": {"Idempotency-Key": "x" * 256}},
        422,
    ),
    "no form": ("POST", "/songs", {"json": {}}, 400),
    "no file": ("POST", "/songs", {"data": {"title": "A"}, "files": {"image": ("c.png", b"")}}, 422),
    "no sound": ("POST", "/songs", song_form(sound=b"a text"), 415),
    "no picture": ("POST", "/albums", {"data": {"title": "A"}, "files": {"image": ("c.png", b"x")}}, 415),
    "a picture too large": (
        "POST",
        "/albums",
        {"data": {"title": "A"}, "files": {"image": ("c.png", b"x" * 11 * 1_048_576)}},
        413,
    ),
    "another's registration": ("POST", "/auth/register", {"json": {"clerkId": "user_other"}}, 403),
}


@pytest.mark.parametrize("wrong", REFUSED)
async def test_refusals_match_the_openapi_description(
    wrong: str, described: dict[str, Description], people: People
) -> None:
    method, path, sent, status = REFUSED[wrong]
    requested = path.format(song_id=UNKNOWN, album_id=UNKNOWN)
    response = await (await people.artist()).http.request(method, requested, **sent)
    assert response.status_code == status, response.text
    described[path].check(method, path, response)


async def test_conflicts_are_described(described: dict[str, Description], people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    song, album = await upload(artist), await make_album(artist)
    await artist.post(f"/albums/{album['_id']}/songs", json={"songId": song["_id"]})
    again = await artist.post(f"/albums/{album['_id']}/songs", json={"songId": song["_id"]})
    blocked = await admin.patch(f"/admin/users/{admin.id}/block")
    assert (again.status_code, blocked.status_code) == (409, 409)
    described["/albums/{album_id}/songs"].check("POST", "/albums/{album_id}/songs", again)
    described["/admin/users/{user_id}/block"].check("PATCH", "/admin/users/{user_id}/block", blocked)


async def test_paged_and_cached_responses_match_the_description(
    described: dict[str, Description], people: People
) -> None:
    artist = await people.artist()
    for title in ("One", "Two"):
        await upload(artist, title, genre="Jazz")
        await make_album(artist, title)
    for path in ("/songs", "/songs/artist/my-songs", "/albums", "/albums/user/my-albums"):
        page = await artist.get(path, params={"limit": 1, "total": True})
        assert {"link", "x-total-count", "etag"} <= set(page.headers)
        described[path].check("GET", path, page)
        kept = {"If-None-Match": page.headers["etag"]}
        same = await artist.get(path, params={"limit": 1, "total": True}, headers=kept)
        assert same.status_code == 304
        described[path].check("GET", path, same)


async def test_described_server_url_works_everywhere(
    described: dict[str, Description], system: RunningSystem
) -> None:
    """So clients made from a description work at either address."""
    async with httpx.AsyncClient(timeout=30) as http:
        for service, path in ((system.songs, "/songs"), (system.albums, "/albums")):
            (server,) = described[path].document["servers"]
            for address in (system.gateway, service):
                response = await http.get(f"{address}{server['url']}{path}")
                assert response.status_code == 200
                described[path].check("GET", path, response)
            assert (await http.get(f"{service}{server['url']}/openapi.json")).status_code == 200


async def test_health_is_described_as_the_services_own(
    described: dict[str, Description], system: RunningSystem
) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        for path in ("/health", "/livez", "/readyz"):
            assert described[path].document["paths"][path]["get"]["servers"][0]["url"] == "/"
            described[path].check("GET", path, await http.get(f"{system.albums}{path}"))


async def test_gateway_health_matches_its_description(system: RunningSystem) -> None:
    description = Description(described_at(system.gateway))
    async with httpx.AsyncClient(base_url=system.gateway, timeout=30) as http:
        for path in ("/", "/health", "/health/services", "/livez", "/readyz"):
            response = await http.get(path)
            assert description.responses("GET", path)["200"]["content"]["application/json"]["schema"]
            description.check("GET", path, response)
    for path in ("/health/services", "/readyz"):
        assert "503" in description.responses("GET", path)


async def test_committed_description_is_what_the_gateway_serves(system: RunningSystem) -> None:
    """Changes of the API show in review: `make openapi` writes the file."""
    assert to_text(described_at(system.gateway)) == DOCUMENT.read_text()


async def test_merged_description_names_public_paths_and_unique_operations(system: RunningSystem) -> None:
    document = described_at(system.gateway)
    assert {"/api/auth/me", "/api/songs", "/api/albums/{album_id}", "/health"} <= document["paths"].keys()
    assert all(path.startswith(("/api/", "/health")) or path in OWN for path in document["paths"])
    names = [call["operationId"] for calls in document["paths"].values() for call in calls.values()]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)
    assert sum(name.endswith("Problem") for name in document["components"]["schemas"]) == 2


async def test_every_reference_in_the_merged_description_resolves(system: RunningSystem) -> None:
    document = described_at(system.gateway)
    references = set(re.findall(r"#/components/schemas/(\w+)", to_text(document)))
    assert references <= document["components"]["schemas"].keys()


async def test_docs_page_needs_no_other_host(system: RunningSystem) -> None:
    async with httpx.AsyncClient(base_url=system.gateway, timeout=30) as http:
        page = (await http.get("/docs")).text
        addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
        assert addresses
        for address in addresses:
            response = await http.get(address)
            assert response.status_code == 200, address
            assert len(response.content) > 1000
        assert (await http.get("/docs/assets/../settings.py")).status_code == 404


async def test_welcome_names_descriptions_that_exist(system: RunningSystem) -> None:
    addresses = {
        "gateway": system.gateway,
        "user": system.users,
        "song": system.songs,
        "album": system.albums,
    }
    ports = {f"{name}_port": httpx.URL(address).port for name, address in addresses.items()}
    named = re.findall(
        r"(http://\S+) .*described at (/[\w.]+)", welcome(EmbeddedSettings.model_validate(ports))
    )
    assert len(named) == 4
    async with httpx.AsyncClient(timeout=30) as http:
        for address, path in named:
            assert (await http.get(address + path)).status_code == 200, address
