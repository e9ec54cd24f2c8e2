"""The local Clerk, asked by Clerk's own SDK over a real socket."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from clerk_backend_api import Clerk, models
from clerk_backend_api.security import TokenVerificationError, VerifyTokenOptions, verify_token_async
from PIL import Image

from embedded.cloud.app import create_cloud
from embedded.cloud.clerk.accounts import name_from_email
from embedded.cloud.clerk.avatars import initials_of
from embedded.cloud.settings import CloudSettings
from tests.cloud.running import FRONTEND_API, fresh_settings, running_cloud
from tests.cloud.signing_in import PARTY, new_email, sdk, sign_in


@pytest.fixture
async def clerk(cloud: CloudSettings) -> AsyncIterator[Clerk]:
    async with sdk(cloud) as opened:
        yield opened


async def verified(cloud: CloudSettings, token: str, party: str = PARTY) -> dict[str, Any]:
    options = VerifyTokenOptions(
        secret_key=cloud.clerk_secret_key, api_url=cloud.public_url, authorized_parties=[party]
    )
    return await verify_token_async(token, options)


async def test_sign_in_creates_account_with_verified_email(cloud: CloudSettings, clerk: Clerk) -> None:
    email = new_email()
    response = await sign_in(cloud, {"email": email, "fullName": " Maya  del Mar Lopez "})
    assert response.status_code == 200
    assert set(response.json()) == {"token", "clerkId", "expiresAt"}
    clerk_id = response.json()["clerkId"]
    assert re.fullmatch(r"user_[0-9A-Za-z]{27}", clerk_id)

    user = await clerk.users.get_async(user_id=clerk_id)
    assert (user.id, user.first_name, user.last_name) == (clerk_id, "Maya", "del Mar Lopez")
    primary = next(e for e in user.email_addresses if e.id == user.primary_email_address_id)
    assert primary.email_address == email.lower()
    assert primary.verification is not None
    assert primary.verification.model_dump()["status"] == "verified"
    assert abs(user.created_at / 1000 - time.time()) < 60


async def test_emails_are_case_insensitive(cloud: CloudSettings, clerk: Clerk) -> None:
    email = new_email()
    first = await sign_in(cloud, {"email": email.upper(), "fullName": "First Name"})
    again = await sign_in(cloud, {"email": email.lower(), "fullName": "Other Name"})
    assert first.json()["clerkId"] == again.json()["clerkId"]
    assert first.json()["token"] != again.json()["token"]
    assert (await clerk.users.get_async(user_id=first.json()["clerkId"])).first_name == "First"


async def test_concurrent_first_sign_ins_create_one_account(cloud: CloudSettings) -> None:
    email = new_email()
    responses = await asyncio.gather(*(sign_in(cloud, {"email": email}) for _ in range(12)))
    assert [response.status_code for response in responses] == [200] * 12
    assert len({response.json()["clerkId"] for response in responses}) == 1


async def test_sdk_verifies_tokens_with_fetched_keys(cloud: CloudSettings) -> None:
    response = await sign_in(cloud, {"email": new_email()}, origin=PARTY)
    claims = await verified(cloud, response.json()["token"])
    assert claims["sub"] == response.json()["clerkId"]
    assert claims["iss"] == f"https://{FRONTEND_API}"
    assert claims["azp"] == PARTY
    assert (claims["v"], claims["sts"]) == (2, "active")
    assert re.fullmatch(r"sess_[0-9A-Za-z]{27}", claims["sid"])
    assert claims["nbf"] < claims["iat"] < claims["exp"] == claims["iat"] + cloud.session_seconds
    expires = datetime.fromisoformat(response.json()["expiresAt"])
    assert int(expires.timestamp()) == claims["exp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", response.json()["expiresAt"])
    header = jwt.get_unverified_header(response.json()["token"])
    assert (header["alg"], header["typ"]) == ("RS256", "JWT")


async def test_sdk_refuses_token_of_another_origin(cloud: CloudSettings) -> None:
    response = await sign_in(cloud, {"email": new_email()}, origin="http://elsewhere.example")
    with pytest.raises(TokenVerificationError) as refused:
        await verified(cloud, response.json()["token"])
    assert refused.value.reason.name == "TOKEN_INVALID_AUTHORIZED_PARTIES"


@pytest.mark.parametrize("origin", [None, "null"])
async def test_sign_in_without_origin_uses_default_party(cloud: CloudSettings, origin: str | None) -> None:
    response = await sign_in(cloud, {"email": new_email()}, **({"origin": origin} if origin else {}))
    claims = await verified(cloud, response.json()["token"], party=cloud.default_authorized_party)
    assert claims["azp"] == cloud.default_authorized_party


async def test_sdk_reads_the_key_set(cloud: CloudSettings, clerk: Clerk) -> None:
    keys = await clerk.jwks.get_jwks_async()
    token = (await sign_in(cloud, {"email": new_email()})).json()["token"]
    assert keys.keys is not None
    assert [key.model_dump()["kid"] for key in keys.keys] == [jwt.get_unverified_header(token)["kid"]]


async def test_unknown_user_is_a_clerk_not_found_error(clerk: Clerk) -> None:
    with pytest.raises(models.ClerkErrors) as missing:
        await clerk.users.get_async(user_id="user_nobody")
    assert missing.value.status_code == 404
    assert missing.value.data.errors[0].code == "resource_not_found"


async def test_wrong_secret_key_is_refused(cloud: CloudSettings) -> None:
    clerk_id = (await sign_in(cloud, {"email": new_email()})).json()["clerkId"]
    async with sdk(cloud, "sk_test_wrong") as wrong_key:
        with pytest.raises(models.ClerkErrors) as refused:
            await wrong_key.users.get_async(user_id=clerk_id)
        assert refused.value.status_code == 401
        with pytest.raises(models.ClerkBaseError) as refused_keys:
            await wrong_key.jwks.get_jwks_async()
        assert refused_keys.value.status_code == 401
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        assert (await http.get(f"/v1/users/{clerk_id}")).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'"maya@example.org"', "body"),
        (b"\xff\xfe", "body"),
        (b"{}", "email"),
        (b'{"email": 5}', "email"),
        (b'{"email": {"$gt": ""}}', "email"),
        (b'{"email": "maya"}', "email"),
        (b'{"email": "maya@localhost"}', "email"),
        (b'{"email": "two@at@example.org"}', "email"),
        (b'{"email": "with space@example.org"}', "email"),
        (b'{"email": "line\\nbreak@example.org"}', "email"),
        (b'{"email": "' + b"a" * 250 + b'@example.org"}', "email"),
        (b'{"email": "maya@example.org", "fullName": 7}', "fullName"),
        (b'{"email": "maya@example.org", "fullName": "  "}', "fullName"),
        (b'{"email": "maya@example.org", "fullName": "' + b"n" * 101 + b'"}', "fullName"),
    ],
)
async def test_invalid_sign_in_names_the_field(cloud: CloudSettings, body: bytes, field: str) -> None:
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        response = await http.post("/sign-in", content=body)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": field, "message": response.json()["error"]}]
    assert "example.org" in response.json()["error"] or "fullName" in response.json()["error"]


async def test_sign_in_allows_any_origin(cloud: CloudSettings) -> None:
    headers = {
        "Origin": PARTY,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        requested = await http.options("/sign-in", headers=headers)
        response = await http.post("/sign-in", json={"email": new_email()}, headers={"Origin": PARTY})
    assert requested.status_code == 204
    assert requested.headers["access-control-allow-headers"] == "content-type"
    assert "POST" in requested.headers["access-control-allow-methods"]
    assert requested.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "no-store"


async def test_every_account_has_an_image(cloud: CloudSettings, clerk: Clerk, tmp_path: Path) -> None:
    clerk_id = (await sign_in(cloud, {"email": new_email()})).json()["clerkId"]
    image_url = (await clerk.users.get_async(user_id=clerk_id)).image_url
    assert image_url is not None
    async with httpx.AsyncClient(timeout=30) as http:
        picture = await http.get(image_url)
        unknown = await http.get(f"{cloud.public_url}/avatars/user_nobody.png")
    assert picture.headers["content-type"] == "image/png"
    file = tmp_path / "avatar.png"
    file.write_bytes(picture.content)
    with Image.open(file) as decoded:
        assert decoded.size == (256, 256)
        colours = decoded.getcolors(65536)
    assert colours is not None
    assert len(colours) > 1, "the initials are drawn"
    assert unknown.status_code == 404


def test_accounts_and_keys_survive_a_restart(tmp_path: Path) -> None:
    email = new_email()
    with running_cloud(tmp_path) as first, httpx.Client(base_url=first.public_url, timeout=30) as http:
        before = http.post("/sign-in", json={"email": email}).json()
    key_file = tmp_path / "clerk" / "signing-key.pem"
    assert key_file.stat().st_mode & 0o777 == 0o600
    with running_cloud(tmp_path) as second, httpx.Client(base_url=second.public_url, timeout=30) as http:
        after = http.post("/sign-in", json={"email": email}).json()
    assert before["clerkId"] == after["clerkId"]
    kids = [jwt.get_unverified_header(response["token"])["kid"] for response in (before, after)]
    assert kids[0] == kids[1]


@pytest.mark.parametrize("key", ["", "sk_test_abc"])
def test_invalid_publishable_key_stops_the_start(key: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="publishable key"):
        create_cloud(fresh_settings(tmp_path, 0, clerk_publishable_key=key))


@pytest.mark.parametrize(
    ("email", "name"),
    [("maya.lopez+x@example.org", "Maya Lopez"), ("dj_99@example.org", "Dj"), ("42@example.org", "42")],
)
def test_default_name_comes_from_the_email(email: str, name: str) -> None:
    assert name_from_email(email) == name


@pytest.mark.parametrize(
    ("name", "initials"), [("Maya del Mar Lopez", "ML"), ("Ødegård Ælle", ""), ("Élise", "E"), ("李 明", "")]
)
def test_initials_are_ascii_letters_or_nothing(name: str, initials: str) -> None:
    assert initials_of(name) == initials
