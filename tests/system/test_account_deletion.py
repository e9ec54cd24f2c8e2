"""Deleting an account: gone at once, and soon without a trace in any store."""

import os
import secrets
import sqlite3
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.system.media import make_album, upload
from tests.system.running import People, Person, RunningSystem
from tests.system.waiting import until
from user_service import account_tasks

UNKNOWN = "a" * 24
LAST_RECHECK_STEPS = {step.value for step in account_tasks.LAST_RECHECK_STEPS}


async def active_artist(people: People) -> tuple[Person, list[str]]:
    """An artist with a song, an album, a like and a play; and what names them."""
    artist = await people.artist(f"Zaphod {secrets.token_hex(6)}")
    album = await make_album(artist, "Their album")
    song = await upload(artist, "Their song", albumId=album["_id"])
    other = await upload(await people.artist(), "Somebody else's song")
    added = await artist.http.post(
        f"/albums/{album['_id']}/songs",
        json={"songId": other["_id"]},
        headers={"Idempotency-Key": secrets.token_hex(8)},
    )
    assert added.status_code == 200
    await artist.http.put(f"/songs/{other['_id']}/like")
    assert (await artist.post(f"/songs/{other['_id']}/track/play")).status_code == 200
    assert (await artist.get("/songs/recommendations/for-you")).status_code == 200
    await (await people.user()).post(f"/songs/{song['_id']}/track/play")
    return artist, [artist.id, artist.clerk_id, artist.email, artist.full_name]


def traces_in_files(folder: Path, names: list[str]) -> list[str]:
    """Where in the databases and files of a system any of `names` stands, the audit log and the steps that
    wait for the longest upload aside.
    """
    found = []
    files = [Path(directory, name) for directory, _, names in os.walk(folder) for name in names]
    for path in sorted(each for each in files if ".sqlite" in each.name):
        if path.suffix.endswith(("-wal", "-shm")):
            continue
        if not path.exists():  # finished with while the folder was read
            continue
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            tables = [
                row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            ]
            for table in tables:
                if table == "audit" or table.startswith("sqlite_"):
                    continue
                rows = database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - names of tables
                if table == "account_tasks":
                    rows = [row for row in rows if not LAST_RECHECK_STEPS & set(row)]
                found += [f"{path.name} {table}: {name}" for name in names if name in repr(rows)]
    return found


async def traces_in_redis(system: RunningSystem, names: list[str]) -> list[str]:
    """Keys, and values under them, that hold any of `names`."""
    async with Redis(port=system.redis_port) as redis:
        found = []
        async for key in redis.scan_iter(count=1000):
            is_set = await redis.type(key) == b"set"
            value = repr(await redis.smembers(key) if is_set else await redis.get(key))
            found += [key.decode() for name in names if name in key.decode() + value]
    return found


async def test_deleted_account_is_gone_at_once(people: People) -> None:
    artist, _ = await active_artist(people)
    response = await artist.delete("/auth/me")
    assert (response.status_code, response.json()) == (202, {"message": "Your account is deleted"})
    me = await artist.get("/auth/me")
    assert (me.status_code, me.json()["code"]) == (404, "user_not_registered")
    assert (await artist.delete("/auth/me")).status_code == 403


async def test_deleted_account_leaves_no_trace(people: People, system: RunningSystem) -> None:
    artist, names = await active_artist(people)
    song_ids = [song["_id"] for song in (await artist.get("/songs/artist/my-songs")).json()]
    assert traces_in_files(system.data_dir, names)
    await artist.delete("/auth/me")

    async def nothing_is_left() -> bool:
        traces[:] = traces_in_files(system.data_dir, names) + await traces_in_redis(system, names)
        return not traces

    traces: list[str] = []
    try:
        await until(nothing_is_left, 90, pause_seconds=0.5)
    finally:
        assert traces == []
    anyone = people.client()
    assert [(await anyone.get(f"/songs/{song_id}")).status_code for song_id in song_ids] == [404]
    admin = await people.admin()
    (entry,) = (await admin.get(f"/admin/users/audit?targetId={artist.id}&limit=1")).json()
    assert (entry["action"], entry["actorId"]) == ("account.delete", artist.id)


async def test_admin_deletes_an_account_with_its_content(people: People) -> None:
    artist, _ = await active_artist(people)
    (song,) = (await artist.get("/songs/artist/my-songs")).json()
    admin = await people.admin()
    assert (await admin.delete(f"/admin/users/{artist.id}?content=true")).status_code == 200

    async def song_is_gone() -> bool:
        return (await people.client().get(f"/songs/{song['_id']}")).status_code == 404

    await until(song_is_gone, 30)


@pytest.mark.parametrize("path", ["/internal/users/" + "a" * 24, "/internal/users/" + "a" * 24 + "/profile"])
async def test_internal_routes_are_for_services_only(
    path: str, people: People, system: RunningSystem
) -> None:
    admin = await people.admin()
    assert (await admin.http.request("DELETE", path)).status_code == 404
    for service in (system.songs, system.albums):
        for token in (None, admin.token, "e30.e30.e30"):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            method = "PUT" if path.endswith("profile") else "DELETE"
            response = await admin.http.request(
                method, f"{service}{path}", headers=headers, json={"fullName": "Mallory"}
            )
            assert response.status_code == 401, (service, token)
