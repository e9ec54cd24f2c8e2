"""The generated TypeScript client compiles, and takes its tour of a running system."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.system.media import upload
from tests.system.running import PROJECT, People, running_system

GENERATED = PROJECT / "build" / "client" / "dist" / "tour.js"


@pytest.fixture(scope="module")
def tour() -> Path:
    """The compiled tour. CI generates the client before the tests."""
    if shutil.which("node") is None or not GENERATED.exists():
        reason = "make client has not run, or Node.js is missing"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return GENERATED


async def test_tour_with_generated_client_passes(tour: Path, tmp_path: Path) -> None:
    with running_system(tmp_path / "data") as system:
        people = People(system)
        try:
            song = await upload(await people.artist())
            listener = await people.user()
            node = shutil.which("node")
            assert node is not None
            run = await asyncio.to_thread(
                subprocess.run,
                [node, str(tour), system.gateway, listener.token, song["_id"]],
                capture_output=True,
                text=True,
                timeout=60,
            )
        finally:
            await people.close()
    assert run.returncode == 0, run.stderr
    assert "has passed" in run.stdout
