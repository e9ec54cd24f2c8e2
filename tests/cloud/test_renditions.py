"""How often ffmpeg really runs, and what is said when it fails: seen by a program put in its place."""

import asyncio
from pathlib import Path
from typing import Any

import cloudinary.exceptions
import cloudinary.uploader
import httpx
import imageio_ffmpeg
import pytest

from embedded.cloud.settings import CloudSettings
from tests.cloud.media import make_sound, measure
from tests.cloud.running import running_cloud
from tests.cloud.sending import folders_of_media, sdk_options, upload_song


def stand_in_for_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """`IMAGEIO_FFMPEG_EXE` is how imageio-ffmpeg lets its user choose the program."""
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{command}\n")
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))


async def get_many(cloud: CloudSettings, path: str, count: int) -> list[httpx.Response]:
    base_url = f"{cloud.public_url}/{cloud.cloud_name}/video/upload/"
    async with httpx.AsyncClient(base_url=base_url, timeout=60) as http:
        return await asyncio.gather(*(http.get(path) for _ in range(count)))


async def test_ffmpeg_runs_once_for_a_rendition_however_many_ask_and_whenever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make_sound(tmp_path / "song.wav", seconds=20)
    runs = tmp_path / "runs"
    real = imageio_ffmpeg.get_ffmpeg_exe()
    stand_in_for_ffmpeg(tmp_path, monkeypatch, f'echo run >> "{runs}"\nexec "{real}" "$@"')
    with running_cloud(tmp_path / "cloud") as cloud:
        public_id = upload_song(file, sdk_options(cloud))
        first = await get_many(cloud, f"br_128k/v1/{public_id}.mp3", 10)
    with running_cloud(tmp_path / "cloud") as restarted:
        later = await get_many(restarted, f"br_128k/v1/{public_id}.mp3", 10)
    assert {answer.status_code for answer in first + later} == {200}
    assert {answer.headers["etag"] for answer in first + later} == {first[0].headers["etag"]}
    assert measure(first[0].content).seconds == pytest.approx(20, abs=0.1)
    assert runs.read_text().splitlines() == ["run"]


async def test_a_rendition_that_cannot_be_made_is_an_error_and_not_half_a_song(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make_sound(tmp_path / "song.wav", seconds=1)
    half = 'for last; do :; done\nprintf half > "${last#file:}"\nexit 1'
    stand_in_for_ffmpeg(tmp_path, monkeypatch, half)
    with running_cloud(tmp_path / "cloud") as cloud:
        options: dict[str, Any] = sdk_options(cloud)
        public_id = upload_song(file, options)
        before = folders_of_media(cloud)
        (answer,) = await get_many(cloud, f"br_128k/v1/{public_id}.mp3", 1)
        assert answer.status_code == 500
        assert answer.headers["x-cld-error"] == "The media could not be converted"
        assert answer.headers["access-control-allow-origin"] == "*"
        with pytest.raises(cloudinary.exceptions.BadRequest, match="could not be converted"):
            cloudinary.uploader.upload(
                str(file), resource_type="video", eager=[{"bit_rate": "64k", "format": "mp3"}], **options
            )
        assert folders_of_media(cloud) == before
        media = cloud.data_dir / "cloudinary" / "media"
        assert {path.name for path in media.rglob("*") if path.is_file()} == {"original"}
