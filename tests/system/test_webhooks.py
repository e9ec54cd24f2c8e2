"""Clerk's webhooks: a changed name and a deleted account arrive, forged reports do not."""

import json
import secrets
import time

import httpx
import pytest

from embedded.installation import installation_in
from tests.system.media import make_album, upload
from tests.system.running import People, Person, RunningSystem
from tests.system.waiting import until
from user_service.webhook_signature import key_of, sign


async def post(system: RunningSystem, body: bytes, **changed: str) -> httpx.Response:
    """A webhook as Clerk signs it, with headers `changed`."""
    key = key_of(installation_in(system.data_dir).clerk_webhook_secret)
    message_id = changed.pop("message_id", f"msg_{secrets.token_hex(8)}")
    timestamp = changed.pop("timestamp", str(int(time.time())))
    headers = {
        "svix-id": message_id,
        "svix-timestamp": timestamp,
        "svix-signature": sign(key, message_id, timestamp, body),
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    async with httpx.AsyncClient(timeout=30) as http:
        return await http.post(f"{system.gateway}/api/webhooks/clerk", content=body, headers=headers)


async def rename_at_clerk(system: RunningSystem, person: Person, full_name: str) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        response = await http.put(f"{system.cloud}/accounts/{person.email}", json={"fullName": full_name})
    assert response.status_code == 200, response.text


async def test_new_name_shows_everywhere_within_five_seconds(people: People, system: RunningSystem) -> None:
    artist = await people.artist("Before Webhook")
    song, album = await upload(artist), await make_album(artist)
    await rename_at_clerk(system, artist, "After Webhook")

    async def name_is_new() -> bool:
        anyone = people.client()
        return [
            (await artist.get("/auth/me")).json()["fullName"],
            (await anyone.get(f"/songs/{song['_id']}")).json()["artistName"],
            (await anyone.get(f"/albums/{album['_id']}")).json()["creatorName"],
        ] == ["After Webhook"] * 3

    await until(name_is_new)


async def test_account_deleted_at_clerk_is_deleted_too(people: People, system: RunningSystem) -> None:
    artist = await people.artist()
    song = await upload(artist)
    async with httpx.AsyncClient(timeout=30) as http:
        assert (await http.delete(f"{system.cloud}/accounts/{artist.email}")).status_code == 200

    async def all_is_gone() -> bool:
        me, listed = await artist.get("/auth/me"), await people.client().get(f"/songs/{song['_id']}")
        return (me.status_code, listed.status_code) == (404, 404)

    await until(all_is_gone, 30)


@pytest.mark.parametrize(
    "changed",
    [
        {"svix_signature": ""},
        {"svix_signature": "v1,AAAA"},
        {"svix_signature": "v2,AAAA garbage"},
        {"svix_id": "msg_another"},
        {"svix_id": ""},
        {"timestamp": "0"},
        {"timestamp": str(int(time.time()) + 3600)},
        {"svix_timestamp": "1e9"},
    ],
)
async def test_forged_webhook_is_refused(
    changed: dict[str, str], people: People, system: RunningSystem
) -> None:
    victim = await people.user()
    body = json.dumps({"type": "user.deleted", "data": {"id": victim.clerk_id, "deleted": True}}).encode()
    response = await post(system, body, **changed)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_signature")
    assert (await victim.get("/auth/me")).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"[" * 10_000, b'{"type": 1, "data": {}}', b'{"type": "user.updated"}']
)
async def test_malformed_webhook_is_refused(body: bytes, system: RunningSystem) -> None:
    assert (await post(system, body)).status_code == 400


async def test_unknown_webhooks_are_accepted(system: RunningSystem) -> None:
    for report in (
        {"type": "session.created", "data": {"id": "sess_1"}},
        {"type": "user.deleted", "data": {"id": "user_nobody", "deleted": True}},
    ):
        assert (await post(system, json.dumps(report).encode())).status_code == 204


async def test_older_profile_changes_nothing(people: People, system: RunningSystem) -> None:
    person = await people.user("Newest Name")
    key = installation_in(system.data_dir).clerk_secret_key
    async with httpx.AsyncClient(timeout=30) as http:
        record = (
            await http.get(
                f"{system.cloud}/v1/users/{person.clerk_id}", headers={"Authorization": f"Bearer {key}"}
            )
        ).json()
    newer = {
        **record,
        "first_name": "Later",
        "last_name": "Name",
        "updated_at": record["updated_at"] + 60_000,
    }
    older = {
        **record,
        "first_name": "Earlier",
        "last_name": "Name",
        "updated_at": record["updated_at"] + 30_000,
    }
    for data in (newer, older, newer):  # each with an id of its own
        report = json.dumps({"type": "user.updated", "data": data}).encode()
        assert (await post(system, report)).status_code == 204
    assert (await person.get("/auth/me")).json()["fullName"] == "Later Name"


async def test_repeated_webhook_id_is_processed_once(people: People, system: RunningSystem) -> None:
    person = await people.user("Before Repeats")
    message_id = f"msg_{secrets.token_hex(8)}"
    for first_name, updated_at in (("Processed", 1), ("Repeated", 2)):
        record = {
            "id": person.clerk_id,
            "first_name": first_name,
            "last_name": "Once",
            "updated_at": int(time.time() * 1000) + updated_at * 60_000,
        }
        report = json.dumps({"type": "user.updated", "data": record}).encode()
        assert (await post(system, report, message_id=message_id)).status_code == 204
    assert (await person.get("/auth/me")).json()["fullName"] == "Processed Once"
