"""Uploads to the local Cloudinary by Cloudinary's own SDK over a real socket."""

import asyncio
import hashlib
import io
import secrets
from pathlib import Path
from typing import Any

import cloudinary
import cloudinary.api
import cloudinary.exceptions
import cloudinary.uploader
import cloudinary.utils
import httpx
import pytest

from embedded.cloud.cloudinary.request_signature import response_signature
from embedded.cloud.settings import CloudSettings
from tests.cloud.media import make_picture, make_sound
from tests.cloud.running import wait_until
from tests.cloud.sending import content_of, folders_of_media, new_id, post, signed

Options = dict[str, Any]


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "ogg", "m4a"])
async def test_every_audio_format_is_accepted_and_described(
    cloud: CloudSettings, cloudinary_options: Options, sounds: dict[str, Path], kind: str
) -> None:
    public_id, file = new_id(), sounds[kind]
    response = await asyncio.to_thread(
        cloudinary.uploader.upload,
        str(file),
        resource_type="video",
        public_id=public_id,
        **cloudinary_options,
    )
    assert response["public_id"] == public_id
    assert response["format"] == kind
    assert response["resource_type"] == "video"
    assert response["is_audio"] is True
    assert response["duration"] == pytest.approx(2, abs=0.15)
    assert response["audio"]["frequency"] == 44100
    assert response["audio"]["channels"] == 2
    assert response["bit_rate"] > 0
    assert response["bytes"] == file.stat().st_size
    assert response["etag"] == hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    assert response["original_filename"] == "a"
    assert response["signature"] == response_signature(
        public_id, response["version"], cloud.cloudinary_api_secret
    )
    assert response["request_id"]
    async with httpx.AsyncClient(timeout=30) as http:
        original = await http.get(response["secure_url"])
    assert original.content == file.read_bytes()


async def test_image_upload_is_described(cloudinary_options: Options) -> None:
    response = await asyncio.to_thread(
        cloudinary.uploader.upload,
        io.BytesIO(make_picture("PNG", (320, 200))),
        tags=["cover", "new"],
        filename="cover.png",
        **cloudinary_options,
    )
    assert (response["width"], response["height"], response["format"]) == (320, 200, "png")
    assert response["tags"] == ["cover", "new"]
    assert len(response["public_id"]) == 20
    assert response["secure_url"].endswith(
        f"/image/upload/v{response['version']}/{response['public_id']}.png"
    )


async def test_signed_values_with_separators_are_accepted(cloudinary_options: Options) -> None:
    response = await asyncio.to_thread(
        cloudinary.uploader.upload,
        io.BytesIO(make_picture()),
        public_id="covers/Ünïcode più",
        overwrite=True,
        invalidate=True,
        context={"caption": "a=b|c & d"},
        **{**cloudinary_options, "signature_algorithm": "sha256"},
    )
    assert response["public_id"] == "covers/Ünïcode più"
    async with httpx.AsyncClient(timeout=30) as http:
        assert (await http.get(response["secure_url"])).status_code == 200


async def test_overwriting_upload_gets_a_new_version(
    cloud: CloudSettings, cloudinary_options: Options
) -> None:
    public_id = f"covers/{secrets.token_hex(6)}"
    first = await post(cloud, "image", signed(cloud, public_id=public_id), make_picture("PNG", (10, 10)))
    second = await post(cloud, "image", signed(cloud, public_id=public_id), make_picture("PNG", (20, 20)))
    assert second.json()["version"] > first.json()["version"]
    assert second.json()["asset_id"] == first.json()["asset_id"]
    kept = await post(
        cloud, "image", signed(cloud, public_id=public_id, overwrite="0"), make_picture("PNG", (30, 30))
    )
    assert kept.json()["existing"] is True
    assert kept.json()["width"] == 20
    folders = folders_of_media(cloud)
    assert second.json()["version_id"] in folders
    assert first.json()["version_id"] not in folders


async def test_destroy_removes_the_file_and_its_renditions(
    cloud: CloudSettings, cloudinary_options: Options, sounds: dict[str, Path]
) -> None:
    public_id = new_id()
    response = await asyncio.to_thread(
        cloudinary.uploader.upload,
        str(sounds["wav"]),
        resource_type="video",
        public_id=public_id,
        **cloudinary_options,
    )
    low = response["url"].replace("/upload/", "/upload/br_64k/").replace(".wav", ".mp3")
    async with httpx.AsyncClient(timeout=30) as http:
        assert (await http.get(low)).status_code == 200
        wrong_kind = await asyncio.to_thread(cloudinary.uploader.destroy, public_id, **cloudinary_options)
        assert wrong_kind["result"] == "not found"
        removed = await asyncio.to_thread(
            cloudinary.uploader.destroy,
            public_id,
            resource_type="video",
            invalidate=True,
            **cloudinary_options,
        )
        assert removed["result"] == "ok"
        assert [(await http.get(url)).status_code for url in (low, response["url"])] == [404, 404]
    assert response["version_id"] not in folders_of_media(cloud)
    again = await asyncio.to_thread(
        cloudinary.uploader.destroy, public_id, resource_type="video", **cloudinary_options
    )
    assert again["result"] == "not found"


async def test_ping_requires_key_and_secret(cloud: CloudSettings, cloudinary_options: Options) -> None:
    response = await asyncio.to_thread(cloudinary.api.ping, **cloudinary_options)
    assert response["status"] == "ok"
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired):
        await asyncio.to_thread(cloudinary.api.ping, **{**cloudinary_options, "api_secret": "wrong"})


async def test_eager_renditions_are_made_in_the_background(
    cloud: CloudSettings, cloudinary_options: Options, sounds: dict[str, Path]
) -> None:
    response = await asyncio.to_thread(
        cloudinary.uploader.upload,
        str(sounds["flac"]),
        resource_type="video",
        public_id=new_id(),
        eager=[{"audio_codec": "mp3", "bit_rate": rate, "format": "mp3"} for rate in ("64k", "128k", "320k")],
        eager_async=True,
        **cloudinary_options,
    )
    assert [part["status"] for part in response["eager"]] == ["processing"] * 3
    folder = cloud.data_dir / "cloudinary" / "media" / response["version_id"]
    await asyncio.to_thread(wait_until, lambda: len(list(folder.glob("*.mp3"))) == 3)
    made = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.mp3")}
    async with httpx.AsyncClient(timeout=30) as http:
        for part in response["eager"]:
            assert (await http.get(part["secure_url"])).status_code == 200
    assert {file.name: file.stat().st_mtime_ns for file in folder.glob("*.mp3")} == made


async def test_synchronous_renditions_exist_with_the_response(
    cloud: CloudSettings, cloudinary_options: Options, sounds: dict[str, Path]
) -> None:
    response = await asyncio.to_thread(
        cloudinary.uploader.upload,
        str(sounds["mp3"]),
        resource_type="video",
        eager=[{"bit_rate": "64k", "format": "mp3"}],
        **cloudinary_options,
    )
    assert "status" not in response["eager"][0]
    folder = cloud.data_dir / "cloudinary" / "media" / response["version_id"]
    assert [file.suffix for file in folder.iterdir() if file.name != "original"] == [".mp3"]


async def test_duration_of_live_recordings_is_measured(cloud: CloudSettings, tmp_path: Path) -> None:
    """What a browser's recorder makes: a stream that nobody went back to, to write a length in."""
    file = make_sound(tmp_path / "recorded.webm", seconds=3, options=("-live", "1", "-c:a", "libopus"))
    response = await post(cloud, "video", signed(cloud), content_of(file))
    assert response.json()["format"] == "webm"
    assert response.json()["duration"] == pytest.approx(3, abs=0.1)
