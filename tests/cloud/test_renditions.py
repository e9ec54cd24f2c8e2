"""How often ffmpeg runs, and how its failures are reported, observed with a wrapper program."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import cloudinary.exceptions
import cloudinary.uploader
import httpx
import imageio_ffmpeg
import pytest

from embedded.cloud.cloudinary.transformations import eager_steps
from embedded.cloud.settings import CloudSettings
from shared.providers.cloudinary import open_cloudinary
from shared.settings import MediaSettings
from tests.cloud.media import make_sound, measure
from tests.cloud.running import running_cloud, wait_until
from tests.cloud.sending import folders_of_media, new_id, sdk_options, upload_song


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


async def test_ffmpeg_runs_once_per_rendition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = make_sound(tmp_path / "song.wav", seconds=20)
    runs = tmp_path / "runs"
    real = imageio_ffmpeg.get_ffmpeg_exe()
    stand_in_for_ffmpeg(tmp_path, monkeypatch, f'echo run >> "{runs}"\nexec "{real}" "$@"')
    with running_cloud(tmp_path / "cloud") as cloud:
        public_id = upload_song(file, sdk_options(cloud))
        first = await get_many(cloud, f"br_128k/v1/{public_id}.mp3", 10)
    with running_cloud(tmp_path / "cloud") as restarted:
        later = await get_many(restarted, f"br_128k/v1/{public_id}.mp3", 10)
    assert {response.status_code for response in first + later} == {200}
    assert {response.headers["etag"] for response in first + later} == {first[0].headers["etag"]}
    assert measure(first[0].content).seconds == pytest.approx(20, abs=0.1)
    assert runs.read_text().splitlines() == ["run"]


async def test_failed_transcoding_delivers_no_partial_song(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make_sound(tmp_path / "song.wav", seconds=1)
    half = 'for last; do :; done\nprintf half > "${last#file:}"\nexit 1'
    stand_in_for_ffmpeg(tmp_path, monkeypatch, half)
    with running_cloud(tmp_path / "cloud") as cloud:
        options: dict[str, Any] = sdk_options(cloud)
        public_id = upload_song(file, options)
        before = folders_of_media(cloud)
        (response,) = await get_many(cloud, f"br_128k/v1/{public_id}.mp3", 1)
        assert response.status_code == 500
        assert response.headers["x-cld-error"] == "The media could not be converted"
        assert response.headers["access-control-allow-origin"] == "*"
        with pytest.raises(cloudinary.exceptions.BadRequest, match="could not be converted"):
            cloudinary.uploader.upload(
                str(file), resource_type="video", eager=[{"bit_rate": "64k", "format": "mp3"}], **options
            )
        assert folders_of_media(cloud) == before
        media = cloud.data_dir / "cloudinary" / "media"
        assert {path.name for path in media.rglob("*") if path.is_file()} == {"original"}


EAGER = {
    "eager": [{"bit_rate": rate, "format": "mp3"} for rate in ("64k", "128k", "320k")],
    "eager_async": True,
}


def upload_eagerly(file: Path, cloud: CloudSettings) -> tuple[str, Path]:
    """The public id of a song whose renditions are made in the background, and the folder they come to."""
    response = cloudinary.uploader.upload(
        str(file), resource_type="video", public_id=new_id(), **EAGER, **sdk_options(cloud)
    )
    return str(response["public_id"]), cloud.data_dir / "cloudinary" / "media" / str(response["version_id"])


def made(folder: Path) -> dict[str, int]:
    """The renditions in it, and when each was written."""
    return {file.name: file.stat().st_mtime_ns for file in folder.glob("*.mp3")}


async def test_first_play_after_an_upload_does_not_transcode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, runs = make_sound(tmp_path / "song.wav", seconds=5), tmp_path / "runs"
    real = imageio_ffmpeg.get_ffmpeg_exe()
    stand_in_for_ffmpeg(tmp_path, monkeypatch, f'echo run >> "{runs}"\nexec "{real}" "$@"')
    with running_cloud(tmp_path / "cloud") as cloud:
        public_id, folder = await asyncio.to_thread(upload_eagerly, file, cloud)
        await asyncio.to_thread(wait_until, lambda: len(made(folder)) == 3)
        before = made(folder)
        for kbps in (64, 128, 320):
            (response,) = await get_many(cloud, f"br_{kbps}k/v1/{public_id}.mp3", 1)
            assert measure(response.content).bit_rate == pytest.approx(kbps * 1000, rel=0.1)
        assert made(folder) == before
    assert runs.read_text().splitlines() == ["run"]


HANG_IN_BACKGROUND = """case "$*" in *b:a*b:a*) exec sleep 600;; esac
exec "{real}" "$@"
"""
"""All renditions of a song are made by one process."""


async def test_play_does_not_wait_for_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, real = make_sound(tmp_path / "song.wav", seconds=2), imageio_ffmpeg.get_ffmpeg_exe()
    stand_in_for_ffmpeg(tmp_path, monkeypatch, HANG_IN_BACKGROUND.format(real=real))
    with running_cloud(tmp_path / "cloud") as cloud:
        public_id, folder = await asyncio.to_thread(upload_eagerly, file, cloud)
        (response,) = await get_many(cloud, f"br_320k/v1/{public_id}.mp3", 1)
        assert response.status_code == 200
        assert list(made(folder)) == ["320k-original.mp3"]


async def test_removal_ends_transcoding_in_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the next song's renditions are made."""
    file, real = make_sound(tmp_path / "song.wav", seconds=2), imageio_ffmpeg.get_ffmpeg_exe()
    once = f'mkdir "{tmp_path}/once" 2>/dev/null && exec sleep 600\nexec "{real}" "$@"'
    stand_in_for_ffmpeg(tmp_path, monkeypatch, once)
    with running_cloud(tmp_path / "cloud") as cloud:
        removed, _ = await asyncio.to_thread(upload_eagerly, file, cloud)
        await asyncio.to_thread(wait_until, lambda: (tmp_path / "once").exists())
        _, folder = await asyncio.to_thread(upload_eagerly, file, cloud)
        await asyncio.to_thread(
            cloudinary.uploader.destroy, removed, resource_type="video", **sdk_options(cloud)
        )
        await asyncio.to_thread(wait_until, lambda: len(made(folder)) == 3)
        assert len(folders_of_media(cloud)) == 1


async def test_rendition_urls_match_those_made_at_upload(cloud: CloudSettings, tmp_path: Path) -> None:
    """Cloudinary delivers what it made in advance only under the very same transformation."""
    settings = MediaSettings(
        cloudinary_cloud_name=cloud.cloud_name,
        cloudinary_api_key=cloud.cloudinary_api_key,
        cloudinary_api_secret=cloud.cloudinary_api_secret,
        cloudinary_api_url=cloud.public_url,
        cloudinary_delivery_url=cloud.public_url,
    )
    public_id = new_id()
    async with open_cloudinary(settings) as store:
        stored = await store.upload_audio(make_sound(tmp_path / "song.mp3", seconds=1), public_id)
    with closing(sqlite3.connect(cloud.data_dir / "cloudinary" / "assets.sqlite3")) as database:
        ((eager,),) = database.execute("SELECT eager FROM assets WHERE public_id = ?", (public_id,))
    ordered = [f"/upload/{steps}/v" for steps, _ in eager_steps(eager)]
    addresses = (stored.low_url, stored.medium_url, stored.high_url)
    assert [extension for _, extension in eager_steps(eager)] == ["mp3"] * 3
    assert all(steps in address for steps, address in zip(ordered, addresses, strict=True))
    assert all(address.endswith(f"/{public_id}.mp3") for address in addresses)
