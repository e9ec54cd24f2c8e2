"""A name that is changed at Clerk is shown everywhere within a minute."""

import json
from typing import Any

import httpx
import pytest

from tests.system.media import make_album, upload
from tests.system.processes import hanging, kill, pid_of
from tests.system.running import People, Person, RunningSystem
from tests.system.waiting import until


async def rename_at_clerk(system: RunningSystem, person: Person, first: str, last: str) -> None:
    """As Clerk's dashboard or its own profile page does."""
    installation = json.loads((system.data_dir / "installation.json").read_text())
    headers = {"Authorization": f"Bearer {installation['clerk_secret_key']}"}
    async with httpx.AsyncClient(base_url=system.cloud, headers=headers, timeout=30) as http:
        response = await http.patch(
            f"/v1/users/{person.clerk_id}", json={"first_name": first, "last_name": last}
        )
    assert response.status_code == 200, response.text


async def shown(person: Person, people: People, song: dict[str, Any], album: dict[str, Any]) -> set[str]:
    """Every name that anybody is shown."""
    client = people.client()
    listed = [each for each in (await client.get("/songs")).json() if each["_id"] == song["_id"]]
    album_now = (await client.get(f"/albums/{album['_id']}")).json()
    return {
        (await person.get("/auth/me")).json()["fullName"],
        (await client.get(f"/users/{person.id}")).json()["fullName"],
        (await client.get(f"/songs/{song['_id']}")).json()["artistName"],
        *(each["artistName"] for each in listed),
        album_now["creatorName"],
        *(each["artistName"] for each in album_now["songs"]),
    }


@pytest.fixture(scope="module")
def system(breakable: RunningSystem) -> RunningSystem:
    return breakable


async def test_new_name_is_shown_everywhere(system: RunningSystem, people: People) -> None:
    artist = await people.artist("Ada Old")
    album = await make_album(artist)
    song = await upload(artist, "Tune", albumId=album["_id"])
    assert await shown(artist, people, song, album) == {"Ada Old"}
    await rename_at_clerk(system, artist, "Ada", "New")

    async def is_shown() -> bool:
        return await shown(artist, people, song, album) == {"Ada New"}

    await until(is_shown)
    found = (await people.client().get("/songs", params={"q": "ada new tune"})).json()
    assert song["_id"] in [each["_id"] for each in found]
    assert (await people.client().get("/songs", params={"q": "ada old"})).json() == []


async def test_rename_survives_a_kill_and_hanging_service(system: RunningSystem, people: People) -> None:
    artist = await people.artist("Bo Old")
    album = await make_album(artist)
    song = await upload(artist, "Tune", albumId=album["_id"])

    async def is_stored() -> bool:
        response = await artist.get("/auth/me")
        return response.is_success and response.json()["fullName"] == "Bo New"

    with hanging(pid_of(system, "song")):
        await rename_at_clerk(system, artist, "Bo", "New")
        await until(is_stored)
        kill({pid_of(system, "user")})
    await until(is_stored)

    async def is_shown() -> bool:
        return await shown(artist, people, song, album) == {"Bo New"}

    await until(is_shown)
