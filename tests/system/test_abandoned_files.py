"""What a killed service leaves on the disk does not stay there."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from shared.forms import FOLDERS
from tests.system.faults import fault
from tests.system.media import make_album, song_form
from tests.system.processes import pid_of
from tests.system.running import People, RunningSystem
from tests.system.waiting import until

HOUR_SECONDS = 3600


@pytest.fixture(scope="module")
def system(breakable: RunningSystem) -> RunningSystem:
    return breakable


async def test_files_of_an_upload_that_was_killed_go_with_another_an_hour_later(
    system: RunningSystem, people: People
) -> None:
    """Not before: a younger folder may be of an upload that is under way elsewhere."""
    artist = await people.artist()

    def left() -> set[Path]:
        return set(system.temporary_dir.glob(f"{FOLDERS}*"))

    async def are_taken() -> bool:
        return bool(left())

    async def is_uploaded() -> bool:
        return (await artist.post("/songs", **song_form("Soon after"))).status_code == 201

    async with fault(system, "cloudinary", delaySeconds=2):
        dying = asyncio.create_task(artist.post("/songs", **song_form("Cut off")))
        await until(are_taken)
        os.kill(pid_of(system, "song"), signal.SIGKILL)
        assert (await dying).status_code in (502, 503)
    files = left()
    await until(is_uploaded)
    assert files
    assert left() == files
    for each in files:
        os.utime(each, (0, time.time() - HOUR_SECONDS))
    await make_album(artist, "Much later")
    assert left() == set()
