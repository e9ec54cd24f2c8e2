"""The services' OpenAPI descriptions; tests/system compares them with real responses."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from album_service.app import create_app as album_app
from shared import errors
from shared.http.openapi import Problem
from shared.http.problem import problem_of
from song_service.app import create_app as song_app
from tests.openapi_description import Description
from user_service.app import create_app as user_app

APPS: dict[str, Callable[[Any], ASGIApp]] = {"user": user_app, "song": song_app, "album": album_app}
HEALTH = {"/health", "/livez", "/readyz"}


def unopened() -> Any:
    raise AssertionError("a description needs nothing of what the service talks to")


async def described(service: str) -> Description:
    transport = httpx.ASGITransport(app=APPS[service](unopened))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        return Description((await http.get("/openapi.json")).json())


def success_of(description: Description, method: str, path: str) -> dict[str, str]:
    """The name of the response model, by status."""
    return {
        status: response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for status, response in description.responses(method, path).items()
        if status.startswith("2")
    }


@pytest.mark.parametrize("service", APPS)
async def test_optional_fields_have_neither_null_nor_default(
    service: str,
) -> None:
    """A client made from a default, or from null, would take the field to be there."""
    schemas = (await described(service)).document["components"]["schemas"]
    optional = {
        f"{name}.{field}": schema
        for name in {"Problem", "SongOut", "AlbumOut", "AlbumWithSongs"} & schemas.keys()
        for field, schema in schemas[name]["properties"].items()
        if field not in schemas[name]["required"]
    }
    assert "Problem.errors" in optional
    for field, schema in optional.items():
        assert schema["type"] in ("string", "boolean", "array"), field
        assert "default" not in schema, field


async def test_creating_routes_describe_their_created_response() -> None:
    assert success_of(await described("song"), "POST", "/songs") == {"201": "SongOut"}
    assert success_of(await described("album"), "POST", "/albums") == {"201": "AlbumOut"}
    registered = success_of(await described("user"), "POST", "/auth/register")
    assert registered == {"200": "UserOut", "201": "UserOut"}


@pytest.mark.parametrize("service", APPS)
async def test_every_refusal_is_described_as_problem_document(service: str) -> None:
    description = await described(service)
    assert "ValidationError" not in json.dumps(description.document)
    for path in description.document["paths"].keys() - HEALTH:
        for method in description.document["paths"][path]:
            responses = description.responses(method, path)
            refusals = {status: response for status, response in responses.items() if status >= "400"}
            unsigned = set() if path in SIGNED_BY_PROVIDERS else {"401"}
            assert {"429", "500", "502", "503", "504"} | unsigned <= refusals.keys()
            assert {tuple(response["content"]) for response in refusals.values()} == {
                ("application/problem+json",)
            }
            assert not unsigned or "WWW-Authenticate" in refusals["401"]["headers"]
            assert "Retry-After" in refusals["503"]["headers"]
            assert {"Retry-After", "RateLimit", "RateLimit-Policy"} == set(refusals["429"]["headers"])


@pytest.mark.parametrize(
    ("service", "call", "refusals"),
    [
        ("song", "GET /songs", "401 422 429"),
        ("song", "GET /songs/{song_id}", "401 404 429"),
        ("song", "DELETE /songs/{song_id}", "401 403 404 429"),
        ("song", "POST /songs/{song_id}/track/play", "401 403 404 422 429"),
        ("song", "POST /songs", "400 401 403 408 409 413 415 422 429"),
        ("album", "POST /albums/{album_id}/songs", "400 401 403 404 408 409 412 413 422 429"),
        ("user", "GET /auth/me", "401 404 429"),
        ("user", "POST /auth/register", "400 401 403 408 409 413 422 429"),
        ("user", "DELETE /admin/users/{user_id}", "401 403 404 409 422 429"),
    ],
)
async def test_described_client_errors_match_the_input(service: str, call: str, refusals: str) -> None:
    responses = (await described(service)).responses(*call.split())
    assert [status for status in responses if status.startswith("4")] == refusals.split()


async def test_token_is_optional_on_public_routes() -> None:
    paths = (await described("song")).document["paths"]
    assert paths["/songs"]["get"]["security"] == [{"HTTPBearer": []}, {}]
    assert paths["/songs"]["post"]["security"] == [{"HTTPBearer": []}]


async def test_lists_describe_paging_and_caching_headers() -> None:
    paths = {"user": "/admin/users", "song": "/songs/artist/my-songs", "album": "/albums"}
    for service, path in paths.items():
        responses = (await described(service)).responses("GET", path)
        assert {"ETag", "Link", "X-Total-Count"} <= set(responses["200"]["headers"])
        assert responses["304"]["headers"] == responses["200"]["headers"]
        assert "content" not in responses["304"]


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("song", "201 POST /songs"),
        ("song", "200 POST /songs/batch"),
        ("song", "200 PATCH /songs/{song_id}"),
        ("song", "200 PATCH /admin/songs/{song_id}/visible"),
        ("album", "201 POST /albums"),
        ("album", "200 PATCH /albums/{album_id}"),
        ("album", "200 PUT /albums/{album_id}/songs"),
        ("album", "200 DELETE /albums/{album_id}/songs/{song_id}"),
        ("album", "204 PUT /albums/{album_id}/collaborators/{user_id}"),
        ("album", "204 DELETE /albums/{album_id}/collaborators/{user_id}"),
    ],
)
async def test_changes_describe_the_next_etag(service: str, call: str) -> None:
    status, method, path = call.split()
    responses = (await described(service)).responses(method, path)
    assert "ETag" in responses[status]["headers"]


async def test_webhook_describes_its_body() -> None:
    description = await described("user")
    call = description.document["paths"]["/webhooks/clerk"]["post"]
    assert call["requestBody"]["content"].keys() == {"application/json"}
    assert {"400", "408", "413"} <= call["responses"].keys()


def test_every_problem_document_matches_its_schema() -> None:
    described_fields = {field.alias for field in Problem.model_fields.values()}
    for refusal in (
        errors.ConflictError("It is so already"),
        errors.UnauthenticatedError("Sign in"),
        errors.UnavailableError("Later"),
        errors.InvalidError.of(errors.FieldError("title", errors.REQUIRED)),
    ):
        returned = json.loads(bytes(problem_of(refusal).body))
        Problem.model_validate(returned, strict=True)
        assert returned.keys() | {"errors"} == described_fields


SIGNED_BY_PROVIDERS = {"/webhooks/clerk"}
"""Carry a signature in place of a token, and may be repeated as they are."""

READING = {"/songs/batch", "/songs/liked/check"}


@pytest.mark.parametrize("service", ["user", "song", "album"])
async def test_every_writing_post_accepts_an_idempotency_key(service: str) -> None:
    """A router of a service is made with `route_class=IdempotentRoute`."""
    posts = {
        path: calls["post"]
        for path, calls in (await described(service)).document["paths"].items()
        if "post" in calls
    }
    keyed = {
        path
        for path, call in posts.items()
        if any(each["name"].lower() == "idempotency-key" for each in call.get("parameters", ()))
    }
    assert posts.keys() - keyed == (READING | SIGNED_BY_PROVIDERS) & posts.keys()
