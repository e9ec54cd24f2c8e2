"""A service that is down takes its own routes with it, and nothing else."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.system.faults import fault, health_of
from tests.system.media import audio, make_album, song_form, upload
from tests.system.processes import alive, hanging, pid_of
from tests.system.running import People, RunningSystem
from tests.system.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def system(often_broken: RunningSystem) -> RunningSystem:
    return often_broken


def kill(system: RunningSystem, name: str) -> None:
    os.kill(pid_of(system, name), signal.SIGKILL)


async def until_all_is_well(system: RunningSystem) -> None:
    async def is_well() -> bool:
        async with httpx.AsyncClient(timeout=30) as http:
            report = (await http.get(f"{system.gateway}/health/services")).json()
        return all(
            each["status"] == "healthy" and each["data"]["status"] == "OK" for each in report["services"]
        )

    await until(is_well)


def check_says_try_again(response: httpx.Response) -> None:
    assert response.status_code == 503, response.text
    assert int(response.headers["retry-after"]) >= 1
    assert set(response.json()) >= {"error", "code", "requestId", "title", "status", "detail"}
    assert "127.0.0.1" not in response.text


async def test_album_marks_songs_unavailable_during_song_outage(
    system: RunningSystem, people: People
) -> None:
    artist, anyone = await people.artist(), people.client()
    album = await make_album(artist)
    song = await upload(artist, "In the album", albumId=album["_id"])
    secret = await upload(artist, "Nobody's business", albumId=album["_id"], isPublic="false")
    path = f"/albums/{album['_id']}"

    kill(system, "song")
    for client in (anyone, artist.http):
        found = await client.get(path)
        assert found.status_code == 200
        assert (found.json()["songs"], found.json()["songsUnavailable"]) == ([], True)
        assert found.json()["songIds"] == []
    retitled = await artist.patch(path, json={"title": "Without its songs"})
    assert (retitled.status_code, retitled.json()["title"]) == (200, "Without its songs")
    assert (retitled.json()["songIds"], retitled.json()["songsUnavailable"]) == ([], True)
    for client in (anyone, artist.http):
        for list_path in ("/albums", "/albums?limit=100"):
            assert secret["_id"] not in (await client.get(list_path)).text
    check_says_try_again(await anyone.get(f"/songs/{song['_id']}"))
    check_says_try_again(await artist.post(f"{path}/songs", json={"songId": "a" * 24}))
    assert (await anyone.get("/albums")).status_code == 200
    assert (await artist.get("/auth/me")).status_code == 200
    await until_all_is_well(system)

    for client, seen in ((anyone, [song["_id"]]), (artist.http, [song["_id"], secret["_id"]])):
        found = await client.get(path)
        assert [each["_id"] for each in found.json()["songs"]] == seen
        assert "songsUnavailable" not in found.json()


async def test_albums_are_served_while_song_service_hangs(system: RunningSystem, people: People) -> None:
    artist, anyone = await people.artist(), people.client()
    album = await make_album(artist)
    await upload(artist, "In the album", albumId=album["_id"])
    with hanging(pid_of(system, "song")):
        found = await anyone.get(f"/albums/{album['_id']}")
        assert (found.status_code, found.json()["songsUnavailable"]) == (200, True)
        assert (await anyone.get("/albums")).status_code == 200
    await until_all_is_well(system)


async def test_user_outage_affects_only_unverified_callers(system: RunningSystem, people: People) -> None:
    known, unknown = await people.artist(), await people.user()
    song = await upload(known, "Heard by all")
    play, anyone = f"/songs/{song['_id']}/track/play", people.client()

    assert (await known.post(play)).status_code == 200
    kill(system, "user")
    for client in (anyone, known.http, unknown.http):
        for path in ("/songs", f"/songs/{song['_id']}", "/albums", "/songs/trending"):
            assert (await client.get(path)).status_code == 200
    check_says_try_again(await unknown.post(play))
    check_says_try_again(await unknown.get("/songs/recommendations/for-you"))
    check_says_try_again(await unknown.get("/auth/me"))
    played = await known.post(play)
    assert played.status_code == 200, played.text
    await until_all_is_well(system)

    async def is_known_again() -> bool:
        return (await unknown.post(play)).status_code == 200

    await until(is_known_again)


async def test_unverified_owner_gets_503_not_404(system: RunningSystem, people: People) -> None:
    artist, admin, anyone = await people.artist(), await people.admin(), people.client()
    album, private_album = await make_album(artist), await make_album(artist, "Private", public=False)
    shown = await upload(artist, "Shown", albumId=album["_id"])
    own = await upload(artist, "Own", albumId=album["_id"], isPublic="false")
    unlisted = (f"/songs/{own['_id']}", f"/songs/{own['_id']}/similar", f"/albums/{private_album['_id']}")
    for is_blocked in (True, False):  # the other services forget whom they knew
        blocking = await admin.patch(f"/admin/users/{artist.id}/block", json={"isBlocked": is_blocked})
        assert blocking.status_code == 200

    with hanging(pid_of(system, "user")):
        for path in unlisted:
            check_says_try_again(await artist.get(path))
            assert (await anyone.get(path)).status_code == 404
        found = (await artist.get(f"/albums/{album['_id']}")).json()
        assert (found["songIds"], found["songsUnavailable"]) == ([shown["_id"]], True)
        assert "songsUnavailable" not in (await anyone.get(f"/albums/{album['_id']}")).json()
        batch = await artist.post("/songs/batch", json={"ids": [own["_id"], shown["_id"]]})
        assert [each["_id"] for each in batch.json()] == [shown["_id"]]
        check_says_try_again(await artist.get("/albums/user/my-albums"))
    await until_all_is_well(system)

    for path in unlisted:
        assert (await artist.get(path)).status_code == 200
    found = (await artist.get(f"/albums/{album['_id']}")).json()
    assert found["songIds"] == [shown["_id"], own["_id"]]
    assert "songsUnavailable" not in found


async def test_sessions_continue_while_clerk_is_down(system: RunningSystem, people: People) -> None:
    person = await people.user()
    async with fault(system, "clerk", status=500):

        async def is_noticed() -> bool:
            return not (await health_of(system.users))["clerk"]

        await until(is_noticed)
        assert (await person.get("/songs/recommendations/for-you")).status_code == 200
        again = await people.sign_in(person.email)  # a token that nobody has verified before
        for path in ("/auth/me", "/albums/user/my-albums", "/songs/recommendations/for-you"):
            assert (await people.client(again["token"]).get(path)).status_code == 200
    await until_all_is_well(system)


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """The process can read its files, and write to none."""
    assert sys.platform == "linux"
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process limit another")
async def test_read_only_database_refuses_writes_and_recovers(system: RunningSystem, people: People) -> None:
    artist, anyone = await people.artist(), people.client()
    song = await upload(artist, "Before")
    writes: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
        "PATCH": lambda: artist.patch(f"/songs/{song['_id']}", json={"title": "After"}),
        "POST play": lambda: artist.post(f"/songs/{song['_id']}/track/play"),
        "DELETE": lambda: artist.delete(f"/songs/{song['_id']}"),
        "POST song": lambda: artist.post("/songs", **song_form("Another")),
    }
    with full_disk(pid_of(system, "song")):
        for write in writes.values():
            check_says_try_again(await write())
        assert (await anyone.get(f"/songs/{song['_id']}")).json()["title"] == "Before"
        assert [each["_id"] for each in (await artist.get("/songs/artist/my-songs")).json()] == [song["_id"]]
    assert (await writes["PATCH"]()).json()["title"] == "After"
    assert (await writes["POST play"]()).status_code == 200
    assert (await writes["POST song"]()).status_code == 201


async def test_service_recovers_once_its_database_opens(system: RunningSystem, people: People) -> None:
    artist, anyone = await people.artist(), people.client()
    album = await make_album(artist, "Kept")
    file = system.data_dir / "albums.sqlite"
    away = file.with_suffix(".away")
    file.rename(away)
    file.mkdir()
    try:
        kill(system, "album")
        await asyncio.sleep(3)  # it is started again, and fails, meanwhile
        check_says_try_again(await anyone.get("/albums"))
        assert (await anyone.get("/songs")).status_code == 200
    finally:
        file.rmdir()
        away.rename(file)
    await until_all_is_well(system)
    assert (await anyone.get(f"/albums/{album['_id']}")).json()["title"] == "Kept"


async def test_sigterm_completes_a_running_upload(system: RunningSystem, people: People) -> None:
    artist = await people.artist()
    request = artist.http.build_request("POST", "/songs", **song_form("To the end", sound=audio("wav", 20)))
    body = request.read()
    half_way = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        size = len(body) // 20 + 1
        for begin in range(0, len(body), size):
            if begin > len(body) // 2:
                half_way.set()
            yield body[begin : begin + size]
            await asyncio.sleep(0.1)

    headers = {"Content-Type": request.headers["content-type"], "Content-Length": str(len(body))}
    uploading = asyncio.create_task(artist.post("/songs", content=pieces(), headers=headers))
    await half_way.wait()
    stopped_pid = pid_of(system, "song")
    os.kill(stopped_pid, signal.SIGTERM)
    response = await uploading
    assert response.status_code == 201, response.text

    async def has_ended() -> bool:
        return not alive({stopped_pid})

    await until(has_ended)
    await until_all_is_well(system)
    assert (await artist.get(f"/songs/{response.json()['_id']}")).json() == response.json()
