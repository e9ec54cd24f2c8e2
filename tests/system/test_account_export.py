"""The export of an account: everything of its owner, nothing of anybody else, and never a part as a whole."""

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from typing import Any

import httpx
import pytest

from shared.contracts.accounts import AccountExport
from shared.ids import new_id
from tests.system.media import make_album, upload
from tests.system.problems import problem_in
from tests.system.processes import hanging, kill, pid_of, resident_bytes
from tests.system.running import People, Person, RunningSystem
from tests.system.waiting import until

EXPORT = "/auth/me/export"
MANY = 100_000
MEMORY = 24 * 2**20
"""Far less than MANY interactions take as objects."""


@pytest.fixture(scope="module")
def system(breakable: RunningSystem) -> RunningSystem:
    return breakable


async def exported(person: Person) -> dict[str, Any]:
    response = await person.get(EXPORT)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    AccountExport.model_validate(document)
    return document


async def track(person: Person, song_id: str, *kinds: str) -> None:
    for kind in kinds:
        assert (await person.post(f"/songs/{song_id}/track/{kind}")).status_code == 200


async def test_export_holds_what_the_user_did(people: People) -> None:
    artist, other, admin = await people.artist("Ella Export"), await people.artist(), await people.admin()
    song, private = await upload(artist, "Listed"), await upload(artist, "Private", isPublic="false")
    received = await upload(other, "Heard")
    album, playlist = await make_album(artist), await make_album(artist, "Mine", public=False)
    shared = await make_album(other, "Theirs")
    assert (await admin.patch(f"/admin/songs/{song['_id']}/visible", json={"isVisible": False})).is_success
    assert (await artist.put(f"/songs/{received['_id']}/like")).status_code == 204
    await track(artist, received["_id"], "play", "complete", "skip")
    assert (await artist.delete("/songs/history")).status_code == 204
    assert (await other.put(f"/albums/{shared['_id']}/collaborators/{artist.id}")).status_code == 204
    assert (
        await artist.post(f"/albums/{playlist['_id']}/songs", json={"songId": received["_id"]})
    ).is_success
    link = (await artist.post(f"/albums/{playlist['_id']}/share", json={"days": 7})).json()

    document = await exported(artist)
    songs, albums = document["songs"], document["albums"]
    assert document["account"]["user"] == (await artist.get("/auth/me")).json()
    (change,) = document["account"]["changes"]
    assert (change["action"], change["after"]) == ("user.role", {"role": "artist"})
    assert [each["_id"] for each in songs["uploaded"]] == [private["_id"], song["_id"]]
    assert [each["isVisible"] for each in songs["uploaded"]] == [True, False]
    for name in ("likes", "plays", "completions", "skips"):
        assert [each["songId"] for each in songs[name]] == [received["_id"]], name
    assert songs["historyClearedAt"] >= songs["plays"][0]["at"]
    assert [each["_id"] for each in albums["created"]] == [playlist["_id"], album["_id"]]
    assert albums["created"][0]["songIds"] == [received["_id"]]
    assert albums["collaborations"] == [{"albumId": shared["_id"]}]
    (shown,) = albums["shareLinks"]
    assert (shown["albumId"], shown["expiresAt"]) == (playlist["_id"], link["expiresAt"])
    assert link["token"] not in json.dumps(document)


async def test_export_names_nobody_else(people: People) -> None:
    user, other, admin = await people.user(), await people.artist("Olive Other"), await people.admin()
    friend = await people.user("Fred Friend")
    received, shared = await upload(other, "A secret title"), await make_album(other, "Another title")
    playlist = await make_album(user, "Mine")
    await track(user, received["_id"], "play")
    await track(friend, received["_id"], "play")
    for maker, album, helper in ((user, playlist, friend), (other, shared, user)):
        path = f"/albums/{album['_id']}/collaborators/{helper.id}"
        assert (await maker.put(path)).status_code == 204
    for is_blocked in (True, False):
        await admin.patch(f"/admin/users/{user.id}/block", json={"isBlocked": is_blocked})

    document = await exported(user)
    (album,) = document["albums"]["created"]
    assert album.pop("collaboratorIds") == [friend.id]
    text = json.dumps(document)
    for person in (other, friend, admin):
        for name in (person.id, person.clerk_id, person.email, person.full_name):
            assert name not in text, name
    for title in ("A secret title", "Another title"):
        assert title not in text
    assert text.count('"action": "user.block"') == 2


async def test_export_names_only_songs_that_the_user_may_see(people: People) -> None:
    user, friend = await people.user(), await people.artist()
    playlist = await make_album(user, "Ours")
    path = f"/albums/{playlist['_id']}"
    assert (await user.put(f"{path}/collaborators/{friend.id}")).status_code == 204
    listed, deleted = await upload(friend, "Listed"), await upload(friend, "Deleted")
    for song in (await upload(friend, "Private", isPublic="false"), deleted, listed):
        assert (await friend.post(f"{path}/songs", json={"songId": song["_id"]})).is_success
    assert (await friend.delete(f"/songs/{deleted['_id']}")).is_success
    (created,) = (await exported(user))["albums"]["created"]
    shown = (await user.get(path)).json()
    assert created == {name: value for name, value in shown.items() if name != "songs"}
    assert created["songIds"] == [listed["_id"]]


async def test_export_is_a_file_that_nobody_caches(people: People) -> None:
    user = await people.user()
    response = await user.get(EXPORT, headers={"Origin": "http://localhost:5173"})
    assert re.fullmatch(
        r'attachment; filename="account-\d{4}-\d\d-\d\d\.json"', response.headers["content-disposition"]
    )
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


async def test_export_is_for_registered_users(people: People) -> None:
    user, admin = await people.user(), await people.admin()
    problem_in(await people.client().get(EXPORT), 401, "sign_in_required")
    await admin.patch(f"/admin/users/{user.id}/block", json={"isBlocked": True})
    problem_in(await user.get(EXPORT), 403, "user_blocked")


async def test_internal_exports_are_for_services_only(people: People, system: RunningSystem) -> None:
    user, admin = await people.user(), await people.admin()
    path = f"/internal/users/{user.id}/export"
    assert (await admin.get(path)).status_code == 404
    record = f"{system.users}/internal/users/{user.id}"
    for url in (f"{system.songs}{path}", f"{system.albums}{path}", record):
        for token in (None, user.token, admin.token):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with httpx.AsyncClient(timeout=30) as http:
                assert (await http.get(url, headers=headers)).status_code == 401


@pytest.mark.parametrize("service", ["song", "album"])
async def test_export_is_503_without_a_service(service: str, people: People, system: RunningSystem) -> None:
    user = await people.user()
    with hanging(pid_of(system, service)):
        response = await user.get(EXPORT)
    problem_in(response, 503)
    assert int(response.headers["retry-after"]) >= 1

    async def works_again() -> bool:
        return (await user.get(EXPORT)).status_code == 200

    await until(works_again)


async def listener_of_much(people: People, system: RunningSystem) -> Person:
    """Somebody with MANY plays, stored behind the back of the service."""
    user = await people.user()
    plays = ((new_id(), user.id, new_id(), 1_700_000_000_000 + number) for number in range(MANY))
    with closing(sqlite3.connect(system.data_dir / "songs.sqlite", timeout=30)) as database, database:
        database.executemany(
            "INSERT INTO interactions (id, user_id, song_id, kind, at, dedup_key, is_sent) "
            "VALUES (?, ?, ?, 'play', ?, random(), 1)",
            plays,
        )
    return user


async def test_long_export_takes_flat_memory(people: People, system: RunningSystem) -> None:
    user = await listener_of_much(people, system)
    await exported(await people.user())
    pids = {name: pid_of(system, name) for name in ("user", "song", "gateway")}
    before = {name: resident_bytes(pid) for name, pid in pids.items()}
    most = dict(before)
    received = bytearray()
    async with user.http.stream("GET", EXPORT) as response:
        assert "content-length" not in response.headers
        async for piece in response.aiter_bytes():
            if len(received) // 2**20 != (len(received) + len(piece)) // 2**20:
                most = {name: max(most[name], resident_bytes(pid)) for name, pid in pids.items()}
            received += piece
    assert len(json.loads(received)["songs"]["plays"]) == MANY
    assert len(received) > 3 * 2**20
    assert {name: most[name] - before[name] for name in pids if most[name] - before[name] > MEMORY} == {}


async def test_export_that_breaks_off_is_no_document(people: People, system: RunningSystem) -> None:
    user = await listener_of_much(people, system)
    received = bytearray()

    async def receive() -> None:
        async with user.http.stream("GET", EXPORT) as response:
            assert response.status_code == 200
            async for piece in response.aiter_bytes():
                if not received:
                    kill({pid_of(system, "song")})
                received.extend(piece)
                await asyncio.sleep(0.01)

    with pytest.raises(httpx.RemoteProtocolError):
        await receive()
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(received)
    other = await people.user()

    async def works_again() -> bool:
        return (await other.get(EXPORT)).status_code == 200

    await until(works_again)
