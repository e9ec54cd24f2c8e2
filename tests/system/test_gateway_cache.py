"""The gateway's response cache before the real services: it serves, and never what is not the caller's."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.system.forging import Forger
from tests.system.media import make_album, upload
from tests.system.running import People, Person, RunningSystem
from tests.system.waiting import until

CLOCK_SKEW_SECONDS = 6
"""For as long after its end Clerk's SDK takes a token (5 s), and a little more."""


def is_hit(response: httpx.Response) -> bool:
    """Whether the response is the gateway's own."""
    return "gateway; hit" in response.headers.get_list("cache-status")


async def until_hit(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """The first response of the gateway's own."""
    found: list[httpx.Response] = []

    async def hits() -> bool:
        found[:] = [await client.get(path)]
        assert found[0].status_code == 200, found[0].text
        return is_hit(found[0])

    await until(hits)
    return found[0]


@dataclass
class Scene:
    """An artist with a listed album of a listed and a private song."""

    artist: Person
    other: Person
    admin: Person
    anyone: httpx.AsyncClient
    song: dict[str, Any]
    private: dict[str, Any]
    album: dict[str, Any]


@pytest.fixture
async def scene(people: People) -> Scene:
    artist = await people.artist()
    album = await make_album(artist)
    song = await upload(artist, "Listed", albumId=album["_id"])
    private = await upload(artist, "Private", albumId=album["_id"], isPublic="false")
    admin, other = await people.admin(), await people.user()
    return Scene(artist, other, admin, people.client(), song, private, album)


async def test_shared_responses_serve_every_valid_token(scene: Scene) -> None:
    path = f"/songs/{scene.song['_id']}"
    first = await until_hit(scene.anyone, path)
    assert "surrogate-control" not in first.headers
    for person in (scene.artist, scene.other, scene.admin):
        again = await until_hit(person.http, path)
        assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        known = await person.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (known.status_code, known.content, is_hit(known)) == (304, b"", True)


async def test_marks_never_reach_a_client(scene: Scene) -> None:
    for path in (
        "/songs",
        "/albums",
        "/songs/trending",
        "/auth/me",
        "/songs/unknown",
        "/albums/user/my-albums",
    ):
        for _ in range(2):
            response = await scene.artist.get(path)
            assert not [name for name in response.headers if name.startswith("surrogate")], path


@pytest.mark.parametrize("path", ["/auth/me", "/albums/user/my-albums", "/songs/artist/my-songs"])
async def test_private_responses_are_each_callers_own(scene: Scene, people: People, path: str) -> None:
    other = await people.artist()
    mine = await until_hit(scene.artist.http, path)
    theirs = await until_hit(other.http, path)
    assert mine.content != theirs.content
    assert (await scene.artist.get(path)).content == mine.content
    assert (await scene.anyone.get(path)).status_code == 401


async def test_artist_sees_own_private_song_in_an_album(scene: Scene) -> None:
    path = f"/albums/{scene.album['_id']}"
    for _ in range(3):
        seen = {}
        for name, client in (
            ("anyone", scene.anyone),
            ("artist", scene.artist.http),
            ("other", scene.other.http),
            ("admin", scene.admin.http),
        ):
            seen[name] = [song["title"] for song in (await client.get(path)).json()["songs"]]
        both = ["Listed", "Private"]
        assert seen == {"anyone": ["Listed"], "artist": both, "other": ["Listed"], "admin": both}


async def test_creator_sees_the_collaborators(scene: Scene, people: People) -> None:
    """Everybody else gets the same response without them, also from the gateway."""
    album = await make_album(scene.artist)
    path, friend = f"/albums/{album['_id']}", await people.user()
    await until_hit(scene.anyone, path)
    for _ in range(2):
        assert (await scene.artist.get(path)).json()["collaboratorIds"] == []
        assert "collaboratorIds" not in (await until_hit(scene.other.http, path)).json()
    assert (await until_hit(friend.http, path)).status_code == 200
    added = await scene.artist.put(f"{path}/collaborators/{friend.id}")
    assert added.status_code == 204
    await until_hit(scene.anyone, path)
    for member in (scene.artist, friend):
        assert (await member.get(path)).json()["collaboratorIds"] == [friend.id]
    assert "collaboratorIds" not in (await until_hit(scene.other.http, path)).json()


async def test_private_song_is_no_shared_response(scene: Scene) -> None:
    private = scene.private["_id"]
    for path in (f"/songs/{private}", f"/songs/{private}/similar"):
        for _ in range(3):
            assert (await scene.artist.get(path)).status_code == 200
            assert (await scene.admin.get(path)).status_code == 200
            assert (await scene.anyone.get(path)).status_code == 404
            assert (await scene.other.get(path)).status_code == 404


async def test_hidden_song_is_gone_at_the_next_request(scene: Scene) -> None:
    song = scene.song["_id"]
    paths = (f"/songs/{song}", f"/songs/{song}/similar")
    for path in paths:
        await until_hit(scene.anyone, path)
        await until_hit(scene.other.http, path)
    await scene.admin.patch(f"/admin/songs/{song}/visible", json={"isVisible": False})
    for path in paths:
        for client, expected in ((scene.anyone, 404), (scene.other.http, 404), (scene.artist.http, 200)):
            assert (await client.get(path)).status_code == expected
            assert (await client.get(path)).status_code == expected


async def test_bad_tokens_get_401_for_kept_responses(system: RunningSystem, scene: Scene) -> None:
    path = f"/songs/{scene.song['_id']}"
    await until_hit(scene.anyone, path)
    await until_hit(scene.other.http, path)
    for name, token in Forger(system, scene.other.clerk_id).bad_tokens().items():
        for _ in range(2):
            response = await scene.anyone.get(path, headers={b"Authorization": f"Bearer {token}".encode()})
            assert response.status_code == 401, name


async def test_token_that_expired_gets_401_for_kept_responses(system: RunningSystem, scene: Scene) -> None:
    ends_at = time.time() + 8
    forger = Forger(system, scene.other.clerk_id)
    token = forger.signed(exp=int(ends_at))
    paths = (f"/songs/{scene.song['_id']}", "/auth/me", "/albums/user/my-albums")
    async with httpx.AsyncClient(
        base_url=scene.anyone.base_url, headers={"Authorization": f"Bearer {token}"}, timeout=30
    ) as client:
        for path in paths:
            await until_hit(client, path)
        await asyncio.sleep(ends_at - time.time())
        for path in paths:
            assert not is_hit(await client.get(path)), path
        await asyncio.sleep(ends_at + CLOCK_SKEW_SECONDS - time.time())
        for path in paths:
            assert (await client.get(path)).status_code == 401, path


async def test_block_counts_at_the_next_request(scene: Scene) -> None:
    song, person = f"/songs/{scene.song['_id']}", scene.artist
    mine = "/albums/user/my-albums"
    await until_hit(person.http, mine)
    await until_hit(person.http, song)
    await scene.admin.patch(f"/admin/users/{person.id}/block", json={"isBlocked": True})
    for _ in range(2):
        assert (await person.get(mine)).json()["code"] == "user_blocked"
        assert (await person.get("/auth/me")).json()["isBlocked"] is True
        assert (await person.get(song)).status_code == 200
        assert (await person.get(f"/songs/{scene.private['_id']}")).status_code == 404
        titles = [
            each["title"] for each in (await person.get(f"/albums/{scene.album['_id']}")).json()["songs"]
        ]
        assert titles == ["Listed"]
    await scene.admin.patch(f"/admin/users/{person.id}/block", json={"isBlocked": False})
    assert (await person.get(mine)).status_code == 200
    assert (await person.get("/auth/me")).json()["isBlocked"] is False


async def test_role_counts_at_the_next_request(scene: Scene, people: People) -> None:
    person = await people.artist()
    await until_hit(person.http, "/songs/artist/my-songs")
    await scene.admin.patch(f"/admin/users/{person.id}/role", json={"role": "user"})
    for _ in range(2):
        assert (await person.get("/songs/artist/my-songs")).json()["code"] == "role_not_allowed"
        assert (await person.get("/auth/me")).json()["role"] == "user"
    await scene.admin.patch(f"/admin/users/{person.id}/role", json={"role": "artist"})
    assert (await person.get("/songs/artist/my-songs")).status_code == 200


async def test_head_and_origin_are_per_request(system: RunningSystem, scene: Scene) -> None:
    path = f"/songs/{scene.song['_id']}"
    whole = await until_hit(scene.anyone, path)
    head = await scene.anyone.head(path)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
    assert is_hit(head)
    for origin, allowed in ((system.gateway, system.gateway), ("http://other.test", None)):
        response = await scene.anyone.get(path, headers={"Origin": origin.replace("127.0.0.1", "localhost")})
        expected = allowed.replace("127.0.0.1", "localhost") if allowed else None
        assert response.headers.get("access-control-allow-origin") == expected
        assert is_hit(response)
