"""Real media for uploads, made once a test process."""

import functools
import io
import subprocess
from typing import Any

import httpx
import imageio_ffmpeg
from PIL import Image

from tests.system.running import Person


@functools.cache
def audio(container: str = "mp3", seconds: float = 1, *options: str) -> bytes:
    """A tone with an upper one, as `container`: mp3, wav, flac, ogg."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"]
    command += ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}:sample_rate=44100"]
    command += ["-f", "lavfi", "-i", f"anoisesrc=duration={seconds}:amplitude=0.2:sample_rate=44100:seed=7"]
    command += ["-filter_complex", "amix=inputs=2", "-ac", "2", *options, "-f", container, "pipe:1"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


@functools.cache
def image(kind: str = "PNG", size: tuple[int, int] = (64, 64)) -> bytes:
    """A plain picture."""
    target = io.BytesIO()
    Image.new("RGB", size, (200, 60, 120)).save(target, kind)
    return target.getvalue()


def song_form(
    title: str = "A song", *, sound: bytes | None = None, cover: bytes | None = None, **fields: str
) -> dict[str, Any]:
    """The `data` and `files` of an upload."""
    return {
        "data": {"title": title, **fields},
        "files": {
            "image": ("cover.png", cover if cover is not None else image(), "image/png"),
            "audio": ("song.mp3", sound if sound is not None else audio(), "audio/mpeg"),
        },
    }


async def upload(artist: Person, title: str = "A song", **options: Any) -> dict[str, Any]:
    """A song that the artist uploaded, as in the response."""
    response: httpx.Response = await artist.post("/songs", **song_form(title, **options))
    assert response.status_code == 201, response.text
    song: dict[str, Any] = response.json()
    return song


async def make_album(creator: Person, title: str = "An album", *, public: bool = True) -> dict[str, Any]:
    """An album that the creator made, as in the response."""
    response = await creator.post(
        "/albums",
        data={"title": title, "isPublic": "true" if public else "false"},
        files={"image": ("cover.png", image(), "image/png")},
    )
    assert response.status_code == 201, response.text
    album: dict[str, Any] = response.json()
    return album
