"""Without Redis everything works, slower, and no outdated cache entry is served afterwards."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass

import httpx
import pytest
from redis.asyncio import Redis

from tests.system.faults import health_of
from tests.system.media import make_album, upload
from tests.system.processes import hanging, pid_of, server_of_redis
from tests.system.running import People, Person, RunningSystem
from tests.system.waiting import until


@pytest.fixture(scope="module")
def system(breakable: RunningSystem) -> RunningSystem:
    return breakable


async def until_redis_is(system: RunningSystem, expected: bool) -> None:
    async def all_say_so() -> bool:
        services = (system.users, system.songs, system.albums)
        return {(await health_of(service))["redis"] for service in services} == {expected}

    await until(all_say_so)


@dataclass
class Shown:
    """A song in an album, both read by everybody so that they are cached."""

    song: str
    album: str
    artist: Person
    anyone: httpx.AsyncClient

    async def is_anywhere(self) -> list[str]:
        """The paths on which the song is to be seen."""
        paths = [
            f"/songs/{self.song}",
            "/songs",
            f"/albums/{self.album}",
            "/songs/trending?count=50",
        ]
        responses = await asyncio.gather(*(self.anyone.get(path) for path in paths))
        assert {response.status_code for response in responses} <= {200, 404}
        return [
            path
            for path, response in zip(paths, responses, strict=True)
            if response.status_code == 200 and f'"_id":"{self.song}"' in response.text
        ]


async def shown_song(people: People) -> Shown:
    artist = await people.artist()
    album = await make_album(artist)
    song = await upload(artist, "Here now", albumId=album["_id"])
    shown = Shown(song["_id"], album["_id"], artist, people.client())
    for _ in range(2):
        assert len(await shown.is_anywhere()) == 4
    return shown


async def test_song_hidden_during_redis_hang_stays_hidden(system: RunningSystem, people: People) -> None:
    admin, shown = await people.admin(), await shown_song(people)
    with hanging(server_of_redis(system)):
        assert len(await shown.is_anywhere()) == 4
        assert (await health_of(system.songs))["redis"] is False
        hidden = await admin.patch(f"/admin/songs/{shown.song}/visible", json={"isVisible": False})
        assert hidden.status_code == 200
        assert await shown.is_anywhere() == []
    for _ in range(30):
        assert await shown.is_anywhere() == []
    await until_redis_is(system, True)
    assert await shown.is_anywhere() == []


async def test_hidden_song_stays_hidden_after_its_writer_died(system: RunningSystem, people: People) -> None:
    """Its invalidation was known to the song service only. Others trusted Redis all the time."""
    admin, shown = await people.admin(), await shown_song(people)
    album = f"{system.albums}/albums/{shown.album}"
    async with httpx.AsyncClient(timeout=30) as http:
        assert shown.song in (await http.get(album)).text
        with hanging(server_of_redis(system)):
            # On open connections Redis would receive the invalidation once it resumes.
            await asyncio.gather(*(shown.anyone.get(f"/songs/{shown.song}") for _ in range(20)))
            path = f"/admin/songs/{shown.song}/visible"
            assert (await admin.patch(path, json={"isVisible": False})).status_code == 200
            os.kill(pid_of(system, "song"), signal.SIGKILL)
        ends = time.monotonic() + 4
        while time.monotonic() < ends:
            response = await http.get(album)
            assert response.status_code == 200
            assert shown.song not in response.text

    async def is_restarted() -> bool:
        return (await shown.anyone.get("/songs")).status_code == 200

    await until(is_restarted)
    assert await shown.is_anywhere() == []


async def test_user_blocked_during_redis_hang_stays_blocked(system: RunningSystem, people: People) -> None:
    admin, shown = await people.admin(), await shown_song(people)
    play = f"/songs/{shown.song}/track/play"
    assert (await shown.artist.post(play)).status_code == 200
    with hanging(server_of_redis(system)):
        blocked = await admin.patch(f"/admin/users/{shown.artist.id}/block", json={"isBlocked": True})
        assert blocked.status_code == 200
        assert (await shown.artist.post(play)).json()["code"] == "user_blocked"
    for _ in range(20):
        assert (await shown.artist.post(play)).json()["code"] == "user_blocked"
    await until_redis_is(system, True)


async def test_late_redis_replies_are_never_mismatched(system: RunningSystem, people: People) -> None:
    """A reply that comes after its deadline must not be taken for the reply to the next command."""
    artist, anyone = await people.artist(), people.client()
    songs = [(await upload(artist, f"Number {number}"))["_id"] for number in range(3)]

    async def read_all() -> None:
        responses = await asyncio.gather(*(anyone.get(f"/songs/{song}") for song in songs * 5))
        assert [response.json()["_id"] for response in responses] == songs * 5

    await read_all()
    for _ in range(3):
        with hanging(server_of_redis(system)):
            await read_all()
        await read_all()
        await until_redis_is(system, True)
        await read_all()


async def test_system_works_without_redis_and_reconnects(system: RunningSystem, people: People) -> None:
    admin, shown = await people.admin(), await shown_song(people)
    os.kill(server_of_redis(system), signal.SIGKILL)
    renamed = await shown.artist.patch(f"/songs/{shown.song}", json={"title": "New name"})
    assert renamed.status_code == 200
    assert (await shown.anyone.get(f"/songs/{shown.song}")).json()["title"] == "New name"
    assert len(await shown.is_anywhere()) == 4
    assert (await shown.artist.post(f"/songs/{shown.song}/track/play")).status_code == 200
    await admin.patch(f"/admin/songs/{shown.song}/visible", json={"isVisible": False})
    assert await shown.is_anywhere() == []

    await until_redis_is(system, True)
    await admin.patch(f"/admin/songs/{shown.song}/visible", json={"isVisible": True})

    async def is_kept_again() -> bool:
        assert len(await shown.is_anywhere()) == 4
        async with Redis(port=system.redis_port) as redis:
            return bool(await redis.exists(f"song:{shown.song}"))

    await until(is_kept_again)
    assert (await shown.anyone.get(f"/songs/{shown.song}")).json()["title"] == "New name"
