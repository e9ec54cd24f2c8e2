"""Files as people have them, uploaded through the gateway: each is accepted and plays, or says why not."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real_files_table import ACCEPTED, FOLDER, IMAGES, REFUSED
from tests.system.leftovers import Leftovers
from tests.system.media import song_form, upload
from tests.system.problems import problem_in
from tests.system.running import People, RunningSystem
from tests.system.test_media import RATES, read_request


@pytest.mark.parametrize("name", ACCEPTED)
async def test_real_audio_plays_at_every_bit_rate(name: str, people: People) -> None:
    expected = ACCEPTED[name]
    song = await upload(await people.artist(), sound=(FOLDER / name).read_bytes())
    assert song["duration"] == expected.seconds
    assert song.get("genre") == expected.genre
    async with httpx.AsyncClient(timeout=60) as listener:
        for quality, rate in RATES.items():
            response = await listener.get(song["streamingUrls"][quality])
            assert response.status_code == 200
            received = read_request(response.content)
            assert abs(received.seconds - expected.seconds) < 0.2
            assert 0.9 * rate < received.rate < 1.1 * rate
        original = await listener.get(song["audioUrl"])
        assert original.content == (FOLDER / name).read_bytes()


@pytest.mark.parametrize("name", REFUSED)
async def test_unknown_codec_is_refused(name: str, system: RunningSystem, people: People) -> None:
    artist, before = await people.artist(), Leftovers(system)
    response = await artist.post("/songs", **song_form(sound=(FOLDER / name).read_bytes()))
    problem = problem_in(response, 415, "not_audio")
    assert "codec is not supported. Supported formats: MP3, M4A" in str(problem["error"])
    assert await before.since() == set()


@pytest.mark.parametrize("name", IMAGES)
async def test_real_image_is_accepted_as_a_cover(name: str, people: People) -> None:
    artist, content = await people.artist(), (FOLDER / name).read_bytes()
    song = await upload(artist, cover=content)
    files: dict[str, Any] = {"image": (name, content, "application/octet-stream")}
    album = (await artist.post("/albums", data={"title": "An album"}, files=files)).json()
    expected = {".jpg": "image/jpeg", ".png": "image/png"}[Path(name).suffix]
    async with httpx.AsyncClient(timeout=60) as listener:
        for address in (song["imageUrl"], album["imageUrl"]):
            response = await listener.get(address)
            assert response.headers["content-type"] == expected
            assert response.content == content
