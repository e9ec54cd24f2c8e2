"""The merged description: public paths, schemas of one name, and services that are down."""

import json
from contextlib import AsyncExitStack
from typing import Any

import pytest

from api_gateway import description
from api_gateway.description import merge
from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, closed_port, listening, plain
from tests.gateway.wire import send_request

OWN: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "API"}, "paths": {"/health": {"get": {}}}}


def a_service(path: str, **schemas: Any) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{next(iter(schemas))}"}
    content = {"application/json": {"schema": reference}}
    call = {"responses": {"200": {"content": content}}}
    return {"paths": {path: {"get": call}, "/livez": {"get": {}}}, "components": {"schemas": schemas}}


def test_service_paths_get_the_public_prefix() -> None:
    merged = merge(OWN, {"song": a_service("/songs", SongOut={"type": "object"})})
    assert list(merged["paths"]) == ["/api/songs", "/health"]


def test_equal_schemas_are_shared() -> None:
    problem = {"type": "object", "title": "Problem"}
    merged = merge(OWN, {"song": a_service("/songs", P=problem), "album": a_service("/albums", P=problem)})
    assert merged["components"]["schemas"] == {"P": problem}


def test_different_schemas_get_different_names() -> None:
    song, album = {"title": "of songs"}, {"title": "of albums"}
    merged = merge(OWN, {"song": a_service("/songs", Out=song), "album": a_service("/albums", Out=album)})
    assert merged["components"]["schemas"] == {"Out": song, "AlbumOut": album}
    assert "schemas/AlbumOut" in json.dumps(merged["paths"]["/api/albums"])
    assert "schemas/Out" in json.dumps(merged["paths"]["/api/songs"])


def test_merging_changes_no_source() -> None:
    service = a_service("/songs", Out={"title": "of songs"})
    before = json.dumps([OWN, service])
    merge(OWN, {"song": service, "album": a_service("/albums", Out={"title": "other"})})
    assert json.dumps([OWN, service]) == before


def described(path: str) -> Scripted:
    return Scripted(plain(json.dumps(a_service(path, Out={"title": f"of {path}"})).encode()))


async def test_service_down_keeps_its_last_description(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(description, "KEPT_SECONDS", 0.0)
    async with AsyncExitStack() as stack:
        song_port = await stack.enter_async_context(listening(described("/songs").talk))
        async with (
            listening(described("/albums").talk) as others,
            gateway(others, song_service_url=f"http://127.0.0.1:{song_port}") as port,
        ):
            known = json.loads((await send_request(port, "GET", "/openapi.json")).body)
            assert {"/api/songs", "/api/albums"} <= known["paths"].keys()
            await stack.aclose()
            assert json.loads((await send_request(port, "GET", "/openapi.json")).body) == known


async def test_description_without_a_service_is_503() -> None:
    away = await closed_port()
    async with (
        listening(described("/albums").talk) as others,
        gateway(others, song_service_url=f"http://127.0.0.1:{away}") as port,
    ):
        response = await send_request(port, "GET", "/openapi.json")
        assert response.status == 503
        assert int(response.headers.get("retry-after") or 0) > 0
        assert json.loads(response.body)["code"] == "unavailable"
        async with listening(described("/songs").talk, away):
            assert (await send_request(port, "GET", "/openapi.json")).status == 200
