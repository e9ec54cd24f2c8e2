"""What a newcomer does: the demo, and the README's tour, pasted as it is."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.system.running import PROJECT, RunningSystem, running_system

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The system as `make run` starts it for the first time."""
    with running_system(tmp_path_factory.mktemp("demo") / "data", DEMO="true") as running:
        yield running


def tour(system: RunningSystem) -> str:
    """The blocks of the README's tour as one script, with the addresses of this system."""
    blocks = re.findall(r"<!-- tour -->\n```bash\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 8
    script = "\n".join(blocks)
    return script.replace("http://localhost:3000", system.gateway).replace(
        "http://localhost:3010", system.cloud
    )


def test_readme_tour_works_when_pasted(demo: RunningSystem, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    run = subprocess.run(
        [bash, "-euo", "pipefail", "-c", tour(demo)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert '"fullName":"Mia Example"' in run.stdout
    assert '"title": "My first song"' in run.stdout
    assert '{"message":"Play tracked"}' in run.stdout
    assert "Velvet Static\n" in run.stdout
    assert "Ours\n" in run.stdout
    sizes = [(tmp_path / f"{quality}.mp3").stat().st_size for quality in ("low", "medium", "high")]
    assert sizes[0] * 1.8 < sizes[1] < sizes[2] / 2
    assert run.stdout.split("False\n")[-1].split() == ["404", "200"], run.stdout[-300:]


async def anyone_signed_in(demo: RunningSystem, email: str) -> httpx.AsyncClient:
    async with httpx.AsyncClient(timeout=60) as http:
        response = await http.post(f"{demo.cloud}/sign-in", json={"email": email})
    headers = {"Authorization": f"Bearer {response.json()['token']}"}
    return httpx.AsyncClient(base_url=f"{demo.gateway}/api", headers=headers, timeout=60)


async def test_demo_has_songs_albums_and_trending(demo: RunningSystem) -> None:
    async with httpx.AsyncClient(base_url=f"{demo.gateway}/api", timeout=60) as anyone:
        songs = (await anyone.get("/songs")).json()
        assert len(songs) >= 24
        assert len({song["genre"] for song in songs}) >= 4
        assert len((await anyone.get("/albums")).json()) >= 5
        trending = (await anyone.get("/songs/trending?count=5")).json()
        assert len(trending) == 5
        demo_listener = await anyone_signed_in(demo, "listener1@demo.local")
        assert (await demo_listener.get("/songs/liked")).json()
        assert (await demo_listener.get("/songs/history")).json()
        (playlist,) = [
            album
            for album in (await demo_listener.get("/albums/user/my-albums")).json()
            if album["title"] == "Windows at night"
        ]
        assert (len(playlist["songIds"]), len(playlist["collaboratorIds"])) == (4, 2)
        await demo_listener.aclose()
        similar = (await anyone.get(f"/songs/{trending[0]['_id']}/similar?count=3")).json()
        assert trending[0]["_id"] not in [song["_id"] for song in similar]
        assert similar[0]["genre"] == trending[0]["genre"]
