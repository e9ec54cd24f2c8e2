"""Whatever fails at the media store, it holds in the end only the media of what exists."""

import asyncio
import os
import signal
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.system.engine import EngineView
from tests.system.faults import fault, health_of
from tests.system.media import image, make_album, song_form, upload
from tests.system.processes import hanging, pid_of
from tests.system.running import People, RunningSystem
from tests.system.storage import journal_entries, make_entries_due, rows, stored_media
from tests.system.waiting import until

pytestmark = pytest.mark.slow

DELAY_SECONDS = 4


@pytest.fixture(scope="module")
def system(often_broken: RunningSystem) -> RunningSystem:
    return often_broken


def media_of_what_exists(system: RunningSystem) -> set[str]:
    of_songs = "SELECT {} FROM songs WHERE is_removed = 0"
    return {
        *rows(system, "songs.sqlite", of_songs.format("image_public_id")),
        *rows(system, "songs.sqlite", of_songs.format("audio_public_id")),
        *rows(system, "albums.sqlite", "SELECT image_public_id FROM albums"),
    }


def media_of(song: dict[str, Any], media: set[str]) -> set[str]:
    """Those of `media` that the song has, or had: its cover and its audio."""
    return {each.rpartition("/")[2] for each in media if each.startswith(f"songs/{song['_id']}/")}


async def start_again(system: RunningSystem, name: str, address: str) -> None:
    """Kill a service, which may just be coming back from an earlier death; go on when it is back.

    Entries are made due while it is dead, so that nobody claims them and dies with their lease.
    """

    async def is_back() -> bool:
        try:
            return bool((await health_of(address))["status"] == "OK")
        except httpx.TransportError:
            return False

    await until(is_back)
    os.kill(pid_of(system, name), signal.SIGKILL)
    await asyncio.sleep(0.2)
    make_entries_due(system, name)
    await until(is_back)


async def process_all_entries(system: RunningSystem) -> None:
    """A service that starts processes due journal entries at once."""
    for name, address in (("song", system.songs), ("album", system.albums)):
        await start_again(system, name, address)

    async def are_followed() -> bool:
        return not journal_entries(system, "song") and not journal_entries(system, "album")

    await until(are_followed)


async def test_upload_during_store_outage_leaves_nothing(system: RunningSystem, people: People) -> None:
    artist, engine = await people.artist(), EngineView.of(system)
    await upload(artist, "Before")
    media, songs = stored_media(system), await engine.songs()
    async with fault(system, "cloudinary", status=503):
        for response in (
            await artist.post("/songs", **song_form("Not now")),
            await artist.post(
                "/albums", data={"title": "Not now"}, files={"image": ("a.png", image(), "image/png")}
            ),
        ):
            assert response.status_code == 503
            assert int(response.headers["retry-after"]) >= 1
        assert [song["title"] for song in (await artist.get("/songs/artist/my-songs")).json()] == ["Before"]
        assert (await artist.get("/albums/user/my-albums")).json() == []
        assert (await artist.get("/songs")).status_code == 200

        async def is_noticed() -> bool:
            health = await health_of(system.songs)
            return health["status"] == "DEGRADED" and health["cloudinary"] is False

        await until(is_noticed)
    assert stored_media(system) == media
    assert await engine.songs() - songs <= set(rows(system, "songs.sqlite", "SELECT id FROM songs"))


async def test_random_failures_leave_no_orphaned_media(system: RunningSystem, people: People) -> None:
    artist = await people.artist()
    kept, deleted = await upload(artist, "Kept"), await upload(artist, "Deleted")
    album = await make_album(artist, "Deleted too")

    # Now and then an image goes up and its audio does not, or the other way; so do the removals.
    async with fault(system, "cloudinary", status=500, rate=0.5):
        responses = [await artist.post("/songs", **song_form(f"Perhaps {n}")) for n in range(8)]
    statuses = Counter(response.status_code for response in responses)
    assert set(statuses) <= {201, 503}
    assert statuses[503]

    async with fault(system, "cloudinary", status=500):
        assert (await artist.delete(f"/songs/{deleted['_id']}")).status_code == 200
        assert (await artist.delete(f"/albums/{album['_id']}")).status_code == 200
        assert (await artist.get(f"/songs/{deleted['_id']}")).status_code == 404
    assert media_of(deleted, stored_media(system)) == {"cover", "audio"}

    # The service dies while its media are on their way, and the store takes them all the same.
    async with fault(system, "cloudinary", delaySeconds=DELAY_SECONDS):
        before = journal_entries(system, "song")
        dying = asyncio.create_task(artist.post("/songs", **song_form("Cut off")))

        async def is_on_its_way() -> bool:
            return len(journal_entries(system, "song") - before) == 2

        await until(is_on_its_way)
        await asyncio.sleep(DELAY_SECONDS / 2)
        os.kill(pid_of(system, "song"), signal.SIGKILL)
        assert (await dying).status_code in (502, 503)
        await asyncio.sleep(DELAY_SECONDS)

    await process_all_entries(system)
    existing = media_of_what_exists(system)
    assert stored_media(system) == existing
    assert media_of(kept, existing) == {"cover", "audio"}
    titles = {song["title"] for song in (await artist.get("/songs/artist/my-songs")).json()}
    accepted = {response.json()["title"] for response in responses if response.status_code == 201}
    assert titles == {"Kept", *accepted}
    for response in responses:
        if response.status_code == 201:
            async with httpx.AsyncClient(timeout=30) as listener:
                assert (await listener.get(response.json()["audioUrl"])).status_code == 200


async def test_upload_interrupted_by_a_crash_is_rolled_back(system: RunningSystem, people: People) -> None:
    """The service dies when the song is stored, while it waits for the album to take it."""
    artist = await people.artist()
    album = await make_album(artist, "Never told")
    stored = "SELECT title FROM songs WHERE title = 'Half there' AND is_removed = 0"
    async with fault(system, "cloudinary", delaySeconds=DELAY_SECONDS):
        before = journal_entries(system, "song")
        dying = asyncio.create_task(artist.post("/songs", **song_form("Half there", albumId=album["_id"])))

        async def is_on_its_way() -> bool:
            return len(journal_entries(system, "song") - before) == 2

        async def is_stored() -> bool:
            return bool(rows(system, "songs.sqlite", stored))

        await until(is_on_its_way)
        with hanging(pid_of(system, "album")):
            await until(is_stored)
            os.kill(pid_of(system, "song"), signal.SIGKILL)
            assert (await dying).status_code in (502, 503)
    await process_all_entries(system)
    assert not await is_stored()
    assert stored_media(system) == media_of_what_exists(system)
