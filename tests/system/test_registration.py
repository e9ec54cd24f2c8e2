"""Registration: as oneself, as a user, once, with the identity provider's data."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.system.problems import problem_in
from tests.system.running import ADMIN_EMAIL, SECOND_ADMIN_EMAIL, People, RunningSystem


def new_email() -> str:
    return f"r{os.urandom(6).hex()}@test.local"


def form(signed_in: dict[str, str], **changed: Any) -> dict[str, Any]:
    """What the front end sends, but for `changed`; None leaves a field out."""
    sent = {
        "clerkId": signed_in["clerkId"],
        "fullName": "Rae",
        "email": new_email(),
        "imageUrl": "",
        **changed,
    }
    return {name: value for name, value in sent.items() if value is not None}


@asynccontextmanager
async def clerk_down(system: RunningSystem, status: int = 429) -> AsyncIterator[None]:
    """While this is open, Clerk's API fails, by default so that it is not tried again and tests are fast.
    Keys that the services have fetched they still have.
    """
    async with httpx.AsyncClient(timeout=30) as http:
        assert (await http.put(f"{system.cloud}/faults/clerk", json={"status": status})).status_code == 204
        try:
            yield
        finally:
            await http.delete(f"{system.cloud}/faults/clerk")


async def test_identity_provider_wins_over_the_body(people: People) -> None:
    email = new_email()
    signed_in = await people.sign_in(email, "Rae Real")
    response = await people.client(signed_in["token"]).post(
        "/auth/register",
        json=form(signed_in, fullName="Fake", email=ADMIN_EMAIL, imageUrl="https://example.org/fake.png"),
    )
    assert response.status_code == 201
    user = response.json()
    assert (user["fullName"], user["email"], user["role"]) == ("Rae Real", email, "user")
    assert "fake" not in user["imageUrl"]
    assert set(user) == {
        *("_id", "clerkId", "fullName", "email", "imageUrl", "role", "isBlocked", "createdAt", "updatedAt")
    }


async def test_repeated_registration_is_200_with_same_user(people: People) -> None:
    person = await people.user()
    again = await person.post("/auth/register", json={"clerkId": person.clerk_id, "fullName": "Another"})
    assert again.status_code == 200
    assert again.json()["_id"] == person.id
    assert again.json()["fullName"] == person.full_name


async def test_ten_concurrent_registrations_create_one_user(people: People) -> None:
    signed_in = await people.sign_in(new_email())
    client = people.client(signed_in["token"])
    responses = await asyncio.gather(
        *(client.post("/auth/register", json=form(signed_in)) for _ in range(10))
    )
    assert sorted(response.status_code for response in responses) == [200] * 9 + [201]
    assert len({response.json()["_id"] for response in responses}) == 1


async def test_registering_another_identity_is_refused(people: People) -> None:
    victim, signed_in = await people.sign_in(new_email()), await people.sign_in(new_email())
    client = people.client(signed_in["token"])
    response = await client.post("/auth/register", json=form(signed_in, clerkId=victim["clerkId"]))
    problem_in(response, 403, "other_identity")
    for each in (signed_in, victim):
        problem_in(await people.client(each["token"]).get("/auth/me"), 404, "user_not_registered")


@pytest.mark.parametrize("role", ["artist", "admin", "superadmin", "User", ""])
async def test_registering_with_a_role_is_refused(role: str, people: People) -> None:
    signed_in = await people.sign_in(new_email())
    client = people.client(signed_in["token"])
    problem_in(await client.post("/auth/register", json=form(signed_in, role=role)), 403, "role_not_granted")
    problem_in(await client.get("/auth/me"), 404, "user_not_registered")
    assert (await client.post("/auth/register", json=form(signed_in, role="user"))).status_code == 201
    problem_in(await client.post("/auth/register", json=form(signed_in, role=role)), 403, "role_not_granted")
    assert (await client.get("/auth/me")).json()["role"] == "user"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clerkId", None),
        ("clerkId", {"$gt": ""}),
        ("clerkId", ["a"]),
        ("clerkId", 7),
        ("clerkId", ""),
        ("clerkId", "x" * 101),
        ("role", {"$ne": "user"}),
        ("role", 7),
        ("fullName", {"$gt": ""}),
        ("fullName", "a\u0000b"),
        ("fullName", "x" * 201),
        ("email", {"$regex": ".*"}),
        ("email", "no address"),
        ("email", "a\u0000b@test.local"),
        ("email", "x" * 250 + "@test.local"),
        ("imageUrl", "javascript:alert(1)"),
        ("imageUrl", True),
    ],
)
async def test_invalid_registration_field_is_named(field: str, value: object, people: People) -> None:
    signed_in = await people.sign_in(new_email())
    client = people.client(signed_in["token"])
    response = await client.post("/auth/register", json=form(signed_in, **{field: value}))
    assert [each["field"] for each in problem_in(response, 422)["errors"]] == [field]  # type: ignore[attr-defined]
    problem_in(await client.get("/auth/me"), 404, "user_not_registered")


async def test_registration_ignores_system_fields(people: People) -> None:
    signed_in = await people.sign_in(new_email())
    own = {"_id": "0" * 24, "isBlocked": True, "createdAt": "2001-01-01T00:00:00.000Z", "isAdmin": True}
    user = (
        await people.client(signed_in["token"]).post("/auth/register", json=form(signed_in, **own))
    ).json()
    assert user["_id"] != "0" * 24
    assert user["isBlocked"] is False
    assert user["createdAt"] > "2026"
    assert "isAdmin" not in user


async def test_body_is_used_during_identity_provider_outage(system: RunningSystem, people: People) -> None:
    taken = await people.user()
    signed_in, email = await people.sign_in(new_email(), "Rae Real"), new_email()
    client = people.client(signed_in["token"])
    async with clerk_down(system):
        problem_in(await client.post("/auth/register", json={"clerkId": signed_in["clerkId"]}), 422)
        another = await client.post("/auth/register", json=form(signed_in, email=taken.email.upper()))
        problem_in(another, 409, "email_taken")
    async with clerk_down(system, 503):
        response = await client.post("/auth/register", json=form(signed_in, fullName="Rae Said", email=email))
        assert response.status_code == 201
        assert (response.json()["fullName"], response.json()["email"]) == ("Rae Said", email)


async def test_blank_registration_fields_count_as_absent(system: RunningSystem, people: People) -> None:
    blank = {"fullName": " ", "email": "", "imageUrl": "  "}
    known, unknown = await people.sign_in(new_email(), "Rae Real"), await people.sign_in(new_email())
    response = await people.client(known["token"]).post("/auth/register", json=form(known, **blank))
    assert (response.status_code, response.json()["fullName"]) == (201, "Rae Real")
    client = people.client(unknown["token"])
    async with clerk_down(system):
        refused = await client.post("/auth/register", json=form(unknown, **blank))
        assert problem_in(refused, 422)["errors"] == [{"field": "email", "message": "is required"}]
        sent = form(unknown, **{**blank, "email": new_email()})
        user = (await client.post("/auth/register", json=sent)).json()
    assert (user["fullName"], user["imageUrl"]) == (sent["email"].partition("@")[0], "")


async def test_concurrent_claims_of_one_email_let_one_win(system: RunningSystem, people: People) -> None:
    claimed = new_email()
    both = [await people.sign_in(new_email()) for _ in range(2)]
    async with clerk_down(system):
        responses = await asyncio.gather(
            *(
                people.client(each["token"]).post("/auth/register", json=form(each, email=claimed))
                for each in both
            )
        )
    assert sorted(response.status_code for response in responses) == [201, 409]
    problem_in(max(responses, key=lambda response: response.status_code), 409, "email_taken")


async def test_name_from_the_body_is_corrected_later(system: RunningSystem, people: People) -> None:
    email = new_email()
    signed_in = await people.sign_in(email, "Rae Real")
    client = people.client(signed_in["token"])
    async with clerk_down(system):
        assert (await client.post("/auth/register", json=form(signed_in))).status_code == 201
    user = (await client.post("/auth/register", json=form(signed_in))).json()
    assert (user["fullName"], user["email"]) == ("Rae Real", email)


async def test_unverified_admin_email_grants_nothing(system: RunningSystem, people: People) -> None:
    """Unproved, it must not be stored either: the admin who can prove it would find it taken."""
    listed = SECOND_ADMIN_EMAIL
    signed_in = await people.sign_in(new_email())
    client = people.client(signed_in["token"])
    await client.get("/auth/me")
    async with clerk_down(system):
        response = await client.post("/auth/register", json=form(signed_in, email=listed))
        problem_in(response, 503)
        response = await client.post("/auth/register", json=form(signed_in, email=f" {listed.upper()} "))
        problem_in(response, 503)
    problem_in(await client.get("/auth/me"), 404)
    assert (await people.registered(listed, "Second Admin")).full_name == "Second Admin"
    admin = await people.admin()
    (made,) = (await admin.get("/admin/users", params={"q": listed})).json()
    assert made["role"] == "admin"
    assert (await admin.delete(f"/admin/users/{made['_id']}")).status_code == 200
