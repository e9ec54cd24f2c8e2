"""Leaks: secrets and tokens in logs, other people's addresses, internal details in errors."""

import asyncio
import json
import re

import httpx

from shared.logs import FLUSH_SECONDS
from tests.system.forging import Forger
from tests.system.media import make_album, upload
from tests.system.problems import problem_in
from tests.system.running import People, RunningSystem
from tests.system.waiting import until

LOGS = ("gateway", "user", "song", "album", "cloud", "redis")
WRITTEN_SECONDS = 10 * FLUSH_SECONDS
OWN_LOGS = ("gateway", "user", "song", "album")
TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


async def _be_busy(system: RunningSystem, people: People) -> list[str]:
    """Do a little of everything, well and badly; the signatures of the tokens that were used."""
    artist, admin, user = await people.artist("Lena Logged"), await people.admin(), await people.user()
    album = await make_album(artist)
    song = await upload(artist, "Logged", albumId=album["_id"])
    await user.post(f"/songs/{song['_id']}/track/play", headers={"Idempotency-Key": user.token})
    await user.get("/songs/recommendations/for-you")
    await admin.get("/admin/users", params={"q": user.email})
    await user.get(f"/songs?token={user.token}&email={user.email}")
    await people.client().get(f"/users/{user.email}")
    await people.client().get(f"/songs/{user.token}")
    await user.post("/auth/register", json={"clerkId": user.token, "email": user.email})
    await user.post("/auth/register", content=user.token, headers={"Content-Type": "application/json"})
    bad = Forger(system, user.clerk_id).bad_tokens()
    for token in bad.values():
        await people.client().get("/auth/me", headers={b"Authorization": f"Bearer {token}".encode()})
    await artist.delete(f"/songs/{song['_id']}")
    await asyncio.sleep(WRITTEN_SECONDS)
    tokens = [artist.token, admin.token, user.token, *bad.values()]
    return [
        signature for _, _, signature in (token.rpartition(".") for token in tokens) if len(signature) > 40
    ]


async def test_logs_hold_no_tokens_or_secrets(system: RunningSystem, people: People) -> None:
    signatures = await _be_busy(system, people)
    installation = json.loads((system.data_dir / "installation.json").read_text())
    secrets = [installation[name] for name in installation if "secret" in name or "private" in name]
    assert len(secrets) == 3
    for name in LOGS:
        log = system.log(name)
        for secret in (*secrets, *signatures):
            assert secret not in log, name
    for name in OWN_LOGS:
        in_clear = TOKEN.search(system.log(name))
        assert in_clear is None, name


async def test_service_logs_hold_no_email_addresses(system: RunningSystem, people: People) -> None:
    await _be_busy(system, people)
    for name in OWN_LOGS:
        assert "@test.local" not in system.log(name), name
        assert "@demo.local" not in system.log(name), name


async def test_service_log_lines_are_json_with_request_ids(system: RunningSystem, people: People) -> None:
    response = await people.client().get("/songs", headers={"X-Request-ID": "to-be-found-again"})
    assert response.headers["x-request-id"] == "to-be-found-again"

    async def is_logged() -> bool:
        return all("to-be-found-again" in system.log(name) for name in ("gateway", "song"))

    await until(is_logged)
    for name in OWN_LOGS:
        lines = [json.loads(line) for line in system.log(name).splitlines()]
        assert all("level" in line and "requestId" in line for line in lines), name
        if name in ("gateway", "song"):
            assert "to-be-found-again" in [line["requestId"] for line in lines]


async def test_service_logs_hold_no_unhandled_errors(system: RunningSystem, people: People) -> None:
    await _be_busy(system, people)
    for name in OWN_LOGS:
        unhandled = [
            line for line in system.log(name).splitlines() if "unhandled" in line or "Traceback" in line
        ]
        assert unhandled == [], name


async def test_public_profile_has_only_public_fields(people: People) -> None:
    person, other, admin = await people.user("Pia Public"), await people.artist(), await people.admin()
    public = {"_id", "fullName", "imageUrl", "role", "createdAt"}
    whole = public | {"clerkId", "email", "isBlocked", "updatedAt"}
    path = f"/users/{person.id}"
    for client, fields in (
        (people.client(), public),
        (other.http, public),
        (person.http, whole),
        (admin.http, whole),
        (people.client(), public),
    ):
        assert set((await client.get(path)).json()) == fields
    await admin.patch(f"/admin/users/{person.id}/block", json={"isBlocked": True})
    assert set((await person.get(path)).json()) == public


async def test_song_has_no_storage_fields(people: People) -> None:
    artist = await people.artist()
    song = await upload(artist, genre="Jazz", mood="calm")
    assert set(song) == {
        *("_id", "title", "artistId", "artistName", "imageUrl", "audioUrl", "streamingUrls", "duration"),
        *("albumId", "isPublic", "isVisible", "createdAt", "updatedAt", "genre", "mood"),
    }


async def test_album_has_no_storage_fields(people: People) -> None:
    """Only the creator and collaborators see the collaborators."""
    artist, other = await people.artist(), await people.user()
    public = {
        *("_id", "title", "creatorId", "creatorName", "imageUrl", "songIds"),
        *("isPublic", "isVisible", "createdAt", "updatedAt"),
    }
    album = await make_album(artist)
    assert set(album) == public | {"collaboratorIds"}
    path = f"/albums/{album['_id']}"
    for client, fields in (
        (artist.http, public | {"collaboratorIds"}),
        (other.http, public),
        (people.client(), public),
        ((await people.admin()).http, public),
    ):
        assert set((await client.get(path)).json()) == fields | {"songs"}
    listed = (await people.client().get("/albums", params={"creatorId": artist.id})).json()
    assert [set(each) for each in listed] == [public]


async def test_refusal_does_not_repeat_the_value(people: People) -> None:
    """What was sent may be a password in the wrong field."""
    person = await people.user()
    secret = "correct horse battery staple"
    problem = await person.post(
        "/auth/register", json={"clerkId": {"x": secret}, "role": secret, "email": secret}
    )
    problem_in(problem, 422)
    assert "horse" not in problem.text


async def test_services_disclose_no_more_than_the_gateway(system: RunningSystem) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        for address in (system.users, system.songs, system.albums):
            problem_in(await http.get(f"{address}/nope"), 404, "route_not_found")
            assert "server" not in (await http.get(f"{address}/livez")).headers
