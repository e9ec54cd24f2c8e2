"""A double click, and a retry after a lost response, have one effect."""

import asyncio
import json
from typing import Any

import pytest

from tests.system.media import image, make_album, song_form
from tests.system.problems import problem_in
from tests.system.running import People, Person

KEY = {"Idempotency-Key": "c0ffee00-1111-4222-8333-444455556666"}


async def titles_of(artist: Person) -> list[str]:
    return [song["title"] for song in (await artist.get("/songs/artist/my-songs")).json()]


async def test_twenty_uploads_with_one_key_create_one_song(people: People) -> None:
    artist = await people.artist()
    uploads = (artist.post("/songs", **song_form("Once"), headers=KEY) for _ in range(20))
    responses = await asyncio.gather(*uploads)
    assert {response.status_code for response in responses} <= {201, 409}
    for response in responses:
        if response.status_code == 409:
            problem_in(response, 409, "idempotency_key_in_use")
            assert int(response.headers["retry-after"]) > 0
    repeated = await artist.post("/songs", **song_form("Once"), headers=KEY)
    created = {response.text for response in (*responses, repeated) if response.status_code == 201}
    assert len(created) == 1
    assert repeated.headers["idempotency-replayed"] == "true"
    assert await titles_of(artist) == ["Once"]


async def test_key_counts_for_one_caller_and_one_request(people: People) -> None:
    artist, other = await people.artist(), await people.artist()
    song = (await artist.post("/songs", **song_form("Mine"), headers=KEY)).json()
    theirs = await other.post("/songs", **song_form("Mine"), headers=KEY)
    assert theirs.status_code == 201
    assert theirs.json()["_id"] != song["_id"]
    refused = await artist.post("/songs", **song_form("Another"), headers=KEY)
    problem_in(refused, 422, "idempotency_key_reused")
    problem_in(await people.client().post("/songs", **song_form("Mine"), headers=KEY), 401)


async def test_blocked_caller_gets_no_stored_response(people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    assert (await artist.post("/songs", **song_form("Mine"), headers=KEY)).status_code == 201
    assert (await admin.patch(f"/admin/users/{artist.id}/block", json={"isBlocked": True})).is_success
    problem_in(await artist.post("/songs", **song_form("Mine"), headers=KEY), 403, "user_blocked")


async def test_albums_and_registration_take_a_key(people: People) -> None:
    artist = await people.artist()
    form: dict[str, Any] = {"data": {"title": "Once"}, "files": {"image": ("c.png", image(), "image/png")}}
    albums = [await artist.post("/albums", **form, headers=KEY) for _ in range(2)]
    assert albums[0].json() == albums[1].json()
    assert len((await artist.get("/albums/user/my-albums")).json()) == 1
    signed_in = await people.sign_in("keyed@test.local")
    body = {"clerkId": signed_in["clerkId"], "fullName": "K", "email": "keyed@test.local", "imageUrl": ""}
    client = people.client(signed_in["token"])
    registered = [await client.post("/auth/register", json=body, headers=KEY) for _ in range(2)]
    assert [response.status_code for response in registered] == [201, 201]
    assert registered[0].json() == registered[1].json()


async def test_song_is_put_into_an_album_once(people: People) -> None:
    artist = await people.artist()
    album, song = await make_album(artist), (await artist.post("/songs", **song_form("A"))).json()
    path = f"/albums/{album['_id']}/songs"
    added = [await artist.post(path, json={"songId": song["_id"]}, headers=KEY) for _ in range(2)]
    assert [response.status_code for response in added] == [200, 200]
    problem_in(await artist.post(path, json={"songId": song["_id"]}), 409, "song_in_album")


@pytest.mark.parametrize("key", ["", "x" * 256, "a b"])
async def test_malformed_key_is_refused(key: str, people: People) -> None:
    artist = await people.artist()
    refused = await artist.post("/songs", **song_form("A"), headers={"Idempotency-Key": key})
    problem_in(refused, 422, "invalid_fields")
    assert await titles_of(artist) == []


async def test_refused_upload_is_refused_again(people: People) -> None:
    artist = await people.artist()
    for _ in range(2):
        refused = await artist.post("/songs", **song_form(sound=b"a text"), headers=KEY)
        problem_in(refused, 415, "not_audio")
    assert refused.headers["idempotency-replayed"] == "true"
    assert json.loads(refused.content)["requestId"] == refused.headers["x-request-id"]
