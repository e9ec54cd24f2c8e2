"""What artists upload comes back to be heard, at the promised bit rates, and goes when it is deleted."""

import asyncio
import io
import re
import sys
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest

from tests.system.media import audio, make_album, song_form, upload
from tests.system.processes import pid_of
from tests.system.running import People, RunningSystem
from tests.system.storage import journal_entries, rows, stored_media

SECONDS = 20
RATES = {"low": 64, "medium": 128, "high": 320}
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class ReceivedRequest:
    """What decoding a file to its end says. `rate`, in kbit/s, is of the sound without headers and tags."""

    codec: str
    seconds: float
    rate: float


def read_request(content: bytes) -> ReceivedRequest:
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.audio[0]
        size, seconds = 0, 0.0
        for packet in container.demux(stream):
            size += packet.size
            seconds += sum(frame.samples / frame.sample_rate for frame in packet.decode())
        return ReceivedRequest(stream.codec_context.name, seconds, size * 8 / 1000 / seconds)


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "ogg"])
async def test_upload_is_playable_at_three_bit_rates(people: People, container: str) -> None:
    song = await upload(await people.artist(), container, sound=audio(container, SECONDS))
    assert song["duration"] == SECONDS
    async with httpx.AsyncClient(timeout=60) as listener:
        for name, rate in RATES.items():
            response = await listener.get(song["streamingUrls"][name])
            assert response.status_code == 200
            assert response.headers["content-type"] == "audio/mpeg"
            assert int(response.headers["content-length"]) == len(response.content)
            received = read_request(response.content)
            assert received.codec.startswith("mp3")
            assert abs(received.seconds - SECONDS) < 0.2
            assert 0.9 * rate < received.rate < 1.1 * rate, name
        original = await listener.get(song["audioUrl"])
        assert abs(read_request(original.content).seconds - SECONDS) < 0.2


async def test_renditions_exist_without_any_play(system: RunningSystem, people: People) -> None:
    song = await upload(await people.artist(), sound=audio("wav", SECONDS))
    audio_id = song["audioUrl"].rpartition(".")[0].partition("/songs/")[2]
    statement = "SELECT version_id FROM assets WHERE public_id = ?"
    (version,) = rows(system, "cloud/cloudinary/assets.sqlite3", statement, f"songs/{audio_id}")
    folder = system.data_dir / "cloud/cloudinary/media" / version
    async with asyncio.timeout(30):
        while len(list(folder.glob("*.mp3"))) < len(RATES):  # noqa: ASYNC110 - files have no events
            await asyncio.sleep(0.05)
    made = {each: each.stat().st_mtime_ns for each in folder.iterdir()}
    async with httpx.AsyncClient(timeout=60) as listener:
        for address in song["streamingUrls"].values():
            assert (await listener.get(address)).status_code == 200
    assert {each: each.stat().st_mtime_ns for each in folder.iterdir()} == made


async def test_first_play_supports_range_requests(people: People) -> None:
    song = await upload(await people.artist(), sound=audio("wav", SECONDS))
    async with httpx.AsyncClient(timeout=60) as listener:
        address = song["streamingUrls"]["medium"]
        part = await listener.get(address, headers={"Range": "bytes=1000-1999"})
        assert part.status_code == 206
        whole = await listener.get(address)
        assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
        assert part.content == whole.content[1000:2000]
        assert whole.headers["accept-ranges"] == "bytes"
        assert part.headers["access-control-allow-origin"] == "*"
        tail = await listener.get(address, headers={"Range": "bytes=-500"})
        assert tail.content == whole.content[-500:]
        beyond = await listener.get(address, headers={"Range": f"bytes={len(whole.content)}-"})
        assert beyond.status_code == 416


async def test_deleted_media_cannot_be_fetched(system: RunningSystem, people: People) -> None:
    artist = await people.artist()
    song, album = await upload(artist), await make_album(artist)
    addresses = [song["imageUrl"], song["audioUrl"], *song["streamingUrls"].values(), album["imageUrl"]]
    async with httpx.AsyncClient(timeout=60) as listener:
        assert {(await listener.get(each)).status_code for each in addresses} == {200}
        assert (await artist.delete(f"/songs/{song['_id']}")).status_code == 200
        assert (await artist.delete(f"/albums/{album['_id']}")).status_code == 200
        assert {(await listener.get(each)).status_code for each in addresses} == {404}
    for thing in (song, album):
        left = stored_media(system) | journal_entries(system, "song") | journal_entries(system, "album")
        assert not [each for each in left if thing["_id"] in each]


def large_wav(size: int) -> bytes:
    """Noise of about so many bytes, and of so many bits a second that it is short, and soon transcoded."""
    target = io.BytesIO()
    rate, channels, width = 192_000, 2, 4
    with wave.open(target, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        noise = np.random.default_rng(7).integers(-(2**28), 2**28, rate * channels, dtype="<i4").tobytes()
        for _ in range(size // len(noise)):
            file.writeframes(noise)
    return target.getvalue()


class Peak:
    """The most memory that a process has taken since this was made, beyond what it took then; in bytes."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._before = self._read("VmRSS")

    def _read(self, name: str) -> int:
        found = re.search(rf"^{name}:\s+(\d+) kB$", self._status.read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024

    def rise(self) -> int:
        return self._read("VmHWM") - self._before


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux reports, and resets, a process's peak of memory"
)
async def test_large_upload_needs_little_memory(system: RunningSystem, people: People) -> None:
    artist = await people.artist()
    album = await make_album(artist)
    await upload(artist, "Warming up", albumId=album["_id"])
    form: dict[str, Any] = song_form("Large", sound=large_wav(90 * MEGABYTE), albumId=album["_id"])
    peaks = {name: Peak(pid_of(system, name)) for name in ("gateway", "song", "album")}
    response = await artist.post("/songs", **form)
    assert response.status_code == 201, response.text
    rises = {name: peak.rise() / MEGABYTE for name, peak in peaks.items()}
    assert {name for name, rise in rises.items() if rise > 40} == set(), rises
    assert (await artist.delete(f"/songs/{response.json()['_id']}")).status_code == 200
