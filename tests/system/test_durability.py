"""Acknowledged writes survive a crash, and no process outlives the system."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.system.engine import EngineView
from tests.system.media import make_album, upload
from tests.system.processes import alive, below, kill
from tests.system.running import People, RunningSystem, running_system
from tests.system.waiting import until

pytestmark = pytest.mark.slow

NAMES = {"redis", "cloud", "user", "song", "album", "gateway"}


@asynccontextmanager
async def people_of(system: RunningSystem) -> AsyncIterator[People]:
    people = People(system)
    try:
        yield people
    finally:
        await people.close()


async def until_gone(pids: set[int]) -> None:
    async def are_gone() -> bool:
        return not alive(pids)

    await until(are_gone)


def ports_of(system: RunningSystem) -> dict[str, str]:
    """As the environment names them: where media are delivered from is part of what is stored."""
    addresses = (system.gateway, system.users, system.songs, system.albums, system.cloud)
    names = ("GATEWAY_PORT", "USER_PORT", "SONG_PORT", "ALBUM_PORT", "CLOUD_PORT")
    return {name: address.rpartition(":")[2] for name, address in zip(names, addresses, strict=True)}


def wait_for(process: "subprocess.Popen[bytes]") -> int:
    return process.wait(30)


async def test_acknowledged_writes_survive_a_kill_of_everything(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_system(data) as system:
        async with people_of(system) as people:
            artist, listener = await people.artist("Art Before"), await people.user("Uma Before")
            album = await make_album(artist, "Kept album")
            songs = [await upload(artist, f"Kept {n}", albumId=album["_id"]) for n in range(2)]
            played = []
            for song in songs:
                for kind in ("play", "complete", "skip"):
                    response = await listener.post(f"/songs/{song['_id']}/track/{kind}")
                    assert response.status_code == 200
                    played.append(song["_id"])
            last = await people.user("Last One")
            everything = below(system.process.pid)
            kill(everything)
        wait_for(system.process)
        await until_gone(everything)
    assert len(everything) >= 1 + len(NAMES)

    with running_system(data, **ports_of(system)) as system:
        async with people_of(system) as people:
            anyone = people.client()
            assert [song["_id"] for song in (await anyone.get("/songs")).json()] == [
                song["_id"] for song in songs[::-1]
            ]
            shown = (await anyone.get(f"/albums/{album['_id']}")).json()
            assert shown["songs"] == songs
            for person in (artist, listener, last):
                again = await people.sign_in(person.email)
                me = (await people.client(again["token"]).get("/auth/me")).json()
                assert (me["_id"], me["fullName"]) == (person.id, person.full_name)
            async with httpx.AsyncClient(timeout=60) as player:
                for song in songs:
                    for address in (song["imageUrl"], *song["streamingUrls"].values()):
                        assert (await player.get(address)).status_code == 200

            engine = EngineView.of(system)

            async def has_synced_everything() -> bool:
                if listener.id not in await engine.users():
                    return False
                received = await engine.plays_of(listener.id) + await engine.completions_of(listener.id)
                received += [song for song, _ in await engine.skips_of(listener.id)]
                return sorted(received) == sorted(played)

            # What the dead process had claimed is another's when its lease, half a minute, ends.
            await until(has_synced_everything, seconds=60)
            await stops_in_order(system)


async def stops_in_order(system: RunningSystem) -> None:
    """Ctrl-C ends everything."""
    everything = below(system.process.pid)
    os.kill(system.process.pid, signal.SIGINT)
    assert await asyncio.to_thread(wait_for, system.process) == 0
    assert alive(everything) == set()


async def test_child_processes_end_after_supervisor_is_killed(tmp_path: Path) -> None:
    """Even in the middle of an upload that never ends."""
    with running_system(tmp_path / "data") as system:
        everything = below(system.process.pid)
        async with people_of(system) as people:
            artist = await people.artist()
            endless = asyncio.create_task(never_ending(artist.http))
            await asyncio.sleep(0.2)
            kill({system.process.pid})
            wait_for(system.process)
            await until_gone(everything)
            endless.cancel()
            await asyncio.gather(endless, return_exceptions=True)


async def never_ending(http: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'
        while True:
            yield b"0" * 100
            await asyncio.sleep(0.05)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    await http.post("/songs", content=pieces(), headers=headers)
