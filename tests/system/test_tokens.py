"""Which session tokens each of the services accepts."""

import pytest

from tests.system.forging import Forger
from tests.system.problems import problem_in
from tests.system.running import People, RunningSystem

PERSONAL = ("/auth/me", "/songs/recommendations/for-you", "/albums/user/my-albums")
PUBLIC = ("/songs", "/songs/trending", "/albums")
"""Shown to anyone, but not to whoever says to be somebody and cannot prove it."""


async def test_valid_token_is_accepted(system: RunningSystem, people: People) -> None:
    person = await people.user()
    forger = Forger(system, person.clerk_id)
    client = people.client(forger.signed())
    for path in (*PERSONAL, *PUBLIC):
        assert (await client.get(path)).status_code == 200, path
    without_state = people.client(forger.signed(sts=None, v=None))
    assert (await without_state.get("/auth/me")).json()["_id"] == person.id


async def test_every_service_refuses_invalid_tokens(system: RunningSystem, people: People) -> None:
    person = await people.user()
    client = people.client()
    for wrong, token in Forger(system, person.clerk_id).bad_tokens().items():
        for path in (*PERSONAL, *PUBLIC):
            response = await client.get(path, headers={b"Authorization": f"Bearer {token}".encode()})
            assert response.status_code == 401, (wrong, path)
            problem_in(response, 401, "invalid_token")
            assert response.headers["www-authenticate"].startswith("Bearer"), wrong


async def test_expired_token_writes_nothing(system: RunningSystem, people: People) -> None:
    artist = await people.artist()
    expired = people.client(Forger(system, artist.clerk_id).bad_tokens()["expired"])
    for method, path in (
        ("POST", "/auth/register"),
        ("PATCH", f"/admin/users/{artist.id}/role"),
        ("POST", "/songs"),
        ("POST", "/songs/batch"),
        ("POST", "/albums"),
        ("DELETE", "/albums/6b02e54d47536df235eeff05"),
    ):
        body = {"clerkId": artist.clerk_id, "role": "admin", "ids": []}
        problem_in(await expired.request(method, path, json=body), 401, "invalid_token")
    assert (await artist.get("/auth/me")).json()["role"] == "artist"


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Token {token}", "{token}"])
async def test_authorization_without_bearer_token_is_refused(header: str, people: People) -> None:
    person = await people.user()
    client = people.client()
    for path in PERSONAL:
        response = await client.get(path, headers={"Authorization": header.format(token=person.token)})
        problem_in(response, 401, "invalid_token")


async def test_personal_routes_without_token_require_sign_in(people: People) -> None:
    for path in PERSONAL:
        problem_in(await people.client().get(path), 401, "sign_in_required")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer undefined", "Bearer null"])
async def test_header_without_a_token_is_anonymous(header: str, people: People) -> None:
    client = people.client()
    for path in PUBLIC:
        assert (await client.get(path, headers={"Authorization": header})).status_code == 200, path
    for path in PERSONAL:
        problem_in(await client.get(path, headers={"Authorization": header}), 401, "sign_in_required")


async def test_token_without_authorized_party_is_accepted(system: RunningSystem, people: People) -> None:
    person = await people.user()
    native = people.client(Forger(system, person.clerk_id).signed(azp=None))
    assert (await native.get("/auth/me")).json()["_id"] == person.id


async def test_bearer_scheme_is_case_insensitive(people: People) -> None:
    person = await people.user()
    response = await people.client().get("/auth/me", headers={"Authorization": f"bearer {person.token}"})
    assert response.json()["_id"] == person.id


async def test_other_headers_and_cookies_do_not_authenticate(people: People) -> None:
    admin = await people.admin()
    claims = {
        "x-clerk-session-id": "sess_1",
        "x-user-id": admin.id,
        "x-clerk-user-id": admin.clerk_id,
        "x-forwarded-user": admin.email,
        "x-user-role": "admin",
        "cookie": f"__session={admin.token}; role=admin",
    }
    problem_in(await people.client().get("/admin/users", headers=claims), 401, "sign_in_required")
    user = await people.user()
    problem_in(await user.get("/admin/users", headers=claims), 403, "role_not_allowed")
