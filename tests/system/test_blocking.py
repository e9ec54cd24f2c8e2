"""Blocking, roles and deletion of users take effect everywhere at the next request."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient

from tests.system.media import image, make_album, song_form, upload
from tests.system.problems import problem_in
from tests.system.running import People, Person
from tests.system.waiting import until

WRITES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/auth/register", {"json": {"clerkId": "own"}}),
    ("PATCH", "/admin/users/{user}/block", {}),
    ("PATCH", "/admin/users/{user}/role", {"json": {"role": "user"}}),
    ("DELETE", "/admin/users/{user}", {}),
    ("POST", "/songs", song_form()),
    ("PATCH", "/songs/{song}", {"json": {"title": "Changed"}}),
    ("PATCH", "/songs/{song}/visibility", {}),
    ("PATCH", "/admin/songs/{song}/visible", {}),
    ("POST", "/songs/{song}/track/play", {}),
    ("POST", "/songs/{song}/track/complete", {}),
    ("POST", "/songs/{song}/track/skip", {}),
    ("DELETE", "/songs/{song}", {}),
    ("POST", "/albums", {"data": {"title": "T"}, "files": {"image": ("c.png", image(), "image/png")}}),
    ("PATCH", "/albums/{album}", {"json": {"title": "Changed"}}),
    ("PATCH", "/albums/{album}/visibility", {}),
    ("PATCH", "/admin/albums/{album}/visible", {}),
    ("POST", "/albums/{album}/songs", {"json": {"songId": "{song}"}}),
    ("DELETE", "/albums/{album}/songs/{song}", {}),
    ("DELETE", "/albums/{album}", {}),
)
PERSONAL_READS = (
    "/songs/artist/my-songs",
    "/songs/recommendations/for-you",
    "/albums/user/my-albums",
    "/admin/users",
    "/admin/songs",
    "/admin/albums",
)
ONE_READ_A_SERVICE = ("/admin/users", "/admin/songs", "/admin/albums")


async def block(admin: Person, person: Person, blocked: bool = True) -> None:
    response = await admin.patch(f"/admin/users/{person.id}/block", json={"isBlocked": blocked})
    assert response.json()["isBlocked"] is blocked


async def give_role(admin: Person, person: Person, role: str) -> None:
    response = await admin.patch(f"/admin/users/{person.id}/role", json={"role": role})
    assert response.json()["role"] == role


async def another_admin(people: People) -> Person:
    person = await people.user("Second Admin")
    await give_role(await people.admin(), person, "admin")
    return person


@pytest.mark.parametrize("role", ["artist", "admin"])
async def test_blocked_user_gets_403_on_personal_routes(role: str, people: People) -> None:
    person, admin, other = await people.artist(), await people.admin(), await people.user()
    song, album = await upload(person, albumId=(await make_album(person))["_id"]), await make_album(person)
    await give_role(admin, person, role)
    ids = {"song": song["_id"], "album": album["_id"], "user": other.id}
    await block(admin, person)

    for method, path, content in WRITES:
        sent = {**content}
        if path == "/auth/register":
            sent = {"json": {"clerkId": person.clerk_id, "fullName": "A", "email": person.email}}
        response = await person.http.request(method, path.format(**ids), **sent)
        problem_in(response, 403, "user_blocked")
    for path in PERSONAL_READS:
        problem_in(await person.get(path), 403, "user_blocked")

    await block(admin, person, False)
    assert (await person.get(f"/songs/{song['_id']}")).json() == song
    assert (await person.get(f"/albums/{album['_id']}")).json() == {**album, "songs": []}
    await give_role(admin, person, "user")


async def _both_see_the_same(one: Person, other: AsyncClient, path: str) -> None:
    async def do_now() -> bool:
        """A sync to the engine in between changes recommendations."""
        response = await one.get(path)
        assert response.status_code == 200, path
        return bool(response.json() == (await other.get(path)).json())

    await until(do_now)


async def test_blocked_user_keeps_auth_me_and_public_routes(people: People) -> None:
    artist, admin, anyone = await people.artist(), await people.admin(), people.client()
    song, album = await upload(artist), await make_album(artist)
    private = await upload(artist, isPublic="false")
    private_album = await make_album(artist, public=False)
    assert (await artist.get(f"/songs/{private['_id']}")).status_code == 200
    await block(admin, artist)

    me = await artist.get("/auth/me")
    assert (me.status_code, me.json()["isBlocked"]) == (200, True)
    for path in (
        "/songs",
        "/songs/trending",
        f"/songs/{song['_id']}",
        f"/songs/{song['_id']}/similar",
        "/albums",
        f"/albums/{album['_id']}",
        f"/users/{artist.id}",
    ):
        await _both_see_the_same(artist, anyone, path)
    for path in (
        f"/songs/{private['_id']}",
        f"/songs/{private['_id']}/similar",
        f"/albums/{private_album['_id']}",
    ):
        problem_in(await artist.get(path), 404)
    assert (await artist.post("/songs/batch", json={"ids": [private["_id"], song["_id"]]})).json() == [song]


async def test_unblocking_takes_effect_at_the_next_request(people: People) -> None:
    person, admin = await another_admin(people), await people.admin()
    for _ in range(3):
        await block(admin, person)
        for path in ONE_READ_A_SERVICE:
            problem_in(await person.get(path), 403, "user_blocked")
        await block(admin, person, False)
        for path in ONE_READ_A_SERVICE:
            assert (await person.get(path)).status_code == 200, path
    await give_role(admin, person, "user")


async def test_role_takes_effect_at_the_next_request(people: People) -> None:
    person, admin = await people.user(), await people.admin()
    for role, status in (("admin", 200), ("artist", 403), ("admin", 200), ("user", 403)):
        await give_role(admin, person, role)
        for path in ONE_READ_A_SERVICE:
            response = await person.get(path)
            assert response.status_code == status, (role, path)
    await give_role(admin, person, "artist")
    assert (await person.get("/songs/artist/my-songs")).status_code == 200
    album = await make_album(person)
    await give_role(admin, person, "user")
    problem_in(await person.get("/songs/artist/my-songs"), 403, "role_not_allowed")
    problem_in(await person.patch(f"/albums/{album['_id']}/visibility"), 403, "role_not_allowed")
    problem_in(await person.post("/songs", **song_form()), 403, "role_not_allowed")


async def test_deleted_user_may_register_again(
    people: People,
) -> None:
    person, admin = await people.artist(), await people.admin()
    song = await upload(person, isPublic="false")
    assert (await person.get("/albums/user/my-albums")).status_code == 200
    gone = await admin.delete(f"/admin/users/{person.id}")
    assert (gone.status_code, gone.json()) == (200, {"message": "User deleted successfully"})

    problem_in(await person.get("/auth/me"), 404, "user_not_registered")
    problem_in(await person.get("/songs/artist/my-songs"), 403, "user_not_registered")
    problem_in(await person.get("/albums/user/my-albums"), 403, "user_not_registered")
    problem_in(await person.get(f"/songs/{song['_id']}"), 404)
    problem_in(await people.client().get(f"/users/{person.id}"), 404, "user_not_found")
    problem_in(await admin.delete(f"/admin/users/{person.id}"), 404, "user_not_found")

    again = await people.registered(person.email, person.full_name)
    assert again.id != person.id
    assert (await again.get("/auth/me")).json()["role"] == "user"
    problem_in(await again.get(f"/songs/{song['_id']}"), 404)


async def test_deleted_blocked_user_cannot_register_again(people: People) -> None:
    admin, person = await people.admin(), await people.user("Bo Blocked")
    assert (await admin.patch(f"/admin/users/{person.id}/block", json={"isBlocked": True})).is_success
    assert (await admin.delete(f"/admin/users/{person.id}")).is_success
    body = {"clerkId": person.clerk_id, "fullName": "Bo", "email": person.email, "imageUrl": ""}
    problem_in(await person.post("/auth/register", json=body), 403, "user_blocked")
    problem_in(await person.get("/auth/me"), 404, "user_not_registered")
    assert (await person.get("/songs")).status_code == 200


async def test_admins_cannot_block_delete_or_demote_themselves(people: People) -> None:
    admin = await another_admin(people)
    own = f"/admin/users/{admin.id}"
    problem_in(await admin.patch(f"{own}/block"), 409, "own_account")
    problem_in(await admin.patch(f"{own}/block", json={"isBlocked": True}), 409, "own_account")
    problem_in(await admin.patch(f"{own}/role", json={"role": "artist"}), 409, "own_account")
    problem_in(await admin.patch(f"{own}/role", json={"role": "user"}), 409, "own_account")
    problem_in(await admin.delete(own), 409, "own_account")
    problem_in(await admin.patch(f"/admin/users/{admin.id.upper()}/role", json={"role": "user"}), 409)
    me = (await admin.get("/auth/me")).json()
    assert (me["role"], me["isBlocked"]) == ("admin", False)
    await give_role(await people.admin(), admin, "user")


REMOVING_AN_ADMIN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "demote": ("PATCH", "/admin/users/{id}/role", {"json": {"role": "user"}}),
    "block": ("PATCH", "/admin/users/{id}/block", {"json": {"isBlocked": True}}),
    "delete": ("DELETE", "/admin/users/{id}", {}),
}


@pytest.mark.parametrize("how", REMOVING_AN_ADMIN)
async def test_concurrent_mutual_removal_leaves_one_admin(how: str, people: People) -> None:
    first = await people.admin()
    everybody = (await first.get("/admin/users", params={"role": "admin", "isBlocked": "false"})).json()
    for other in everybody:
        if other["_id"] != first.id:
            await first.patch(f"/admin/users/{other['_id']}/role", json={"role": "user"})
    method, path, content = REMOVING_AN_ADMIN[how]
    for _ in range(5):
        second = await another_admin(people)
        responses = await asyncio.gather(
            first.http.request(method, path.format(id=second.id), **content),
            second.http.request(method, path.format(id=first.id), **content),
        )
        assert {response.status_code for response in responses} <= {200, 403, 404, 409}
        acting = [each for each in (first, second) if (await each.get("/admin/users")).status_code == 200]
        assert acting, [response.text for response in responses]
        first = await _the_first_admin_again(acting[0], first, second, people)


async def _the_first_admin_again(acting: Person, first: Person, second: Person, people: People) -> Person:
    """As it was before: `first` is an admin, and `second` is none."""
    if acting is second:
        if (await first.get("/auth/me")).status_code == 404:
            first = await people.registered(first.email, first.full_name)
        await block(acting, first, False)
        await give_role(acting, first, "admin")
    if (await second.get("/auth/me")).status_code == 200:
        await give_role(first, second, "user")
    return first


async def test_admin_request_for_an_unknown_user_is_404(people: People) -> None:
    admin = await people.admin()
    for unknown in ("6b02e54d47536df235eeff05", "nobody", "%00", "x" * 300):
        problem_in(await admin.patch(f"/admin/users/{unknown}/block"), 404, "user_not_found")
        role = await admin.patch(f"/admin/users/{unknown}/role", json={"role": "artist"})
        problem_in(role, 404, "user_not_found")
        problem_in(await admin.delete(f"/admin/users/{unknown}"), 404, "user_not_found")


@pytest.mark.parametrize("role", ["king", "", "ADMIN", " admin", None, 1, {"$ne": "user"}, ["admin"]])
async def test_unknown_role_is_422(role: object, people: People) -> None:
    admin, user = await people.admin(), await people.user()
    problem_in(await admin.patch(f"/admin/users/{user.id}/role", json={"role": role}), 422, "invalid_fields")
    assert (await user.get("/auth/me")).json()["role"] == "user"
