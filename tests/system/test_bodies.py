"""Bodies with malformed, oversized or malicious JSON."""

import json

import pytest

from tests.system.media import make_album
from tests.system.problems import problem_in
from tests.system.running import People, RunningSystem
from tests.system.sending import repeated, send_until_success

JSON = {"Content-Type": "application/json"}
MEGABYTE = 1024 * 1024
NO_JSON = {
    "text": b"hello",
    "broken off": b'{"ids": [',
    "single quotes": b"{'ids': []}",
    "two values": b'{"ids": []} {}',
    "not UTF-8": b'{"ids": ["\xff\xfe"]}',
    "nested 100,000 deep": b"[" * 100_000,
    "nested 50,000 deep and closed": b'{"ids": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a number of 5,000 digits": b'{"ids": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON.keys())
async def test_malformed_json_is_400(body: bytes, people: People) -> None:
    artist = await people.artist()
    for person, method, path in (
        (people.client(), "POST", "/songs/batch"),
        (artist.http, "POST", "/auth/register"),
        (artist.http, "PATCH", "/songs/6b02e54d47536df235eeff05"),
        (artist.http, "PATCH", "/songs/6b02e54d47536df235eeff05/visibility"),
        (artist.http, "PATCH", "/albums/6b02e54d47536df235eeff05"),
        (artist.http, "POST", "/albums/6b02e54d47536df235eeff05/songs"),
    ):
        problem_in(await person.request(method, path, content=body, headers=JSON), 400, "malformed")


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_json_with_another_content_type_is_400(kind: str | None, people: People) -> None:
    """A page elsewhere can make a browser send these without being asked; JSON it cannot."""
    album = await make_album(await people.artist())
    admin = await people.admin()
    headers = {"Content-Type": kind} if kind else {}
    body = b'{"isVisible": false}'
    path = f"/admin/albums/{album['_id']}/visible"
    problem_in(await admin.patch(path, content=body, headers=headers), 400, "malformed")
    assert (await people.client().get(f"/albums/{album['_id']}")).status_code == 200
    problem_in(await people.client().post("/songs/batch", content=b'{"ids": []}', headers=headers), 400)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]
)
async def test_every_json_media_type_is_accepted(kind: str, people: People) -> None:
    response = await people.client().post(
        "/songs/batch", content=b'{"ids": []}', headers={"Content-Type": kind}
    )
    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"true",
        b"{}",
        b'{"ids": NaN}',
        b'{"ids": [NaN]}',
        b'{"ids": ["\\ud800"]}',
        b"",
    ],
)
async def test_json_of_another_shape_is_422(body: bytes, people: People) -> None:
    problem_in(await people.client().post("/songs/batch", content=body, headers=JSON), 422)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"true"])
async def test_malformed_body_does_not_flip_a_toggle(body: bytes, people: People) -> None:
    artist = await people.artist()
    album = await make_album(artist)
    path = f"/albums/{album['_id']}/visibility"
    problem_in(await artist.patch(path, content=body, headers=JSON), 422)
    assert (await artist.get(f"/albums/{album['_id']}")).json()["isPublic"] is True


async def test_unpaired_surrogates_are_refused(people: People) -> None:
    artist = await people.artist()
    album = await make_album(artist)
    body = b'{"title": "half \\ud83d of it", "clerkId": "\\udfff"}'
    problem_in(await artist.patch(f"/albums/{album['_id']}", content=body, headers=JSON), 422)
    problem_in(await artist.post("/auth/register", content=body, headers=JSON), 422)


@pytest.mark.parametrize("announced_bytes", [100 * MEGABYTE, None], ids=["announced", "in chunks"])
@pytest.mark.parametrize("path", ["/songs/batch", "/auth/register", "/albums/6b02e54d47536df235eeff05/songs"])
async def test_oversized_json_is_413_before_its_end(
    path: str, announced_bytes: int | None, system: RunningSystem
) -> None:
    body = repeated(b'{"ids": ["', b"a", 100 * MEGABYTE)
    outcome = await send_until_success(system.gateway, path, body, JSON, announced_bytes=announced_bytes)
    assert problem_in(outcome.response, 413, "too_large")["detail"] == "Too large; at most 1 MB are accepted"
    assert outcome.sent_bytes < 20 * MEGABYTE


async def test_json_one_byte_over_the_limit_is_413(people: People) -> None:
    response = await people.client().post("/songs/batch", content=b" " * (MEGABYTE + 1), headers=JSON)
    problem_in(response, 413, "too_large")


async def test_json_just_under_the_limit_is_accepted(people: People) -> None:
    body = json.dumps({"ids": [], "more": "x" * (MEGABYTE - 100)})
    assert (await people.client().post("/songs/batch", content=body, headers=JSON)).status_code == 200


async def test_body_of_a_get_request_is_ignored(people: People) -> None:
    client = people.client()
    response = await client.request("GET", "/songs", content=b"x" * 2 * MEGABYTE, headers=JSON)
    assert response.status_code == 200
    assert (await client.get("/songs")).status_code == 200
