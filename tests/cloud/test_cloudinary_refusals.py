"""Uploads and requests that the local Cloudinary refuses."""

import asyncio
import json
import secrets
import time
from pathlib import Path
from typing import Any

import cloudinary
import cloudinary.api
import cloudinary.exceptions
import cloudinary.uploader
import cloudinary.utils
import httpx
import pytest

from embedded.cloud.settings import CloudSettings
from tests.cloud.media import make_picture, make_sound
from tests.cloud.sending import folders_of_media, post, signed

Options = dict[str, Any]


async def test_wrong_secret_stores_nothing(
    cloud: CloudSettings, cloudinary_options: Options, sounds: dict[str, Path]
) -> None:
    before = folders_of_media(cloud)
    wrong = {**cloudinary_options, "api_secret": "wrong"}
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match="Invalid Signature"):
        await asyncio.to_thread(
            cloudinary.uploader.upload, str(sounds["mp3"]), resource_type="video", **wrong
        )
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match="Unknown API key"):
        await asyncio.to_thread(
            cloudinary.uploader.destroy, "songs/a", **{**cloudinary_options, "api_key": "123"}
        )
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match="Invalid cloud_name"):
        await asyncio.to_thread(
            cloudinary.uploader.destroy, "songs/a", **{**cloudinary_options, "cloud_name": "other"}
        )
    assert folders_of_media(cloud) == before


async def test_changed_fields_break_the_signature(cloud: CloudSettings) -> None:
    good = signed(cloud, public_id="covers/a", overwrite=1)
    for fields in (
        {**good, "public_id": "covers/b"},
        {**good, "tags": "x"},
        {key: value for key, value in good.items() if key != "overwrite"},
        {**good, "signature": "é" * 40},
    ):
        response = await post(cloud, "image", fields, make_picture())
        assert response.status_code == 401, fields


async def test_signature_separates_fields_unambiguously(cloud: CloudSettings) -> None:
    """Version 2 of the signature exists because of this."""
    good = signed(cloud, public_id="covers/a&tags=x")
    good.update(public_id="covers/a", tags="x")
    assert (await post(cloud, "image", good, make_picture())).status_code == 401


@pytest.mark.parametrize("age_seconds", [3700, -3700])
async def test_outdated_timestamp_is_refused(cloud: CloudSettings, age_seconds: int) -> None:
    response = await post(
        cloud, "image", signed(cloud, timestamp=int(time.time()) - age_seconds), make_picture()
    )
    assert response.status_code == 400
    assert "Stale request" in response.json()["error"]["message"]


async def test_incomplete_request_is_refused(cloud: CloudSettings) -> None:
    unsigned = await post(cloud, "image", {"timestamp": "1"}, make_picture())
    timeless = signed(cloud, timestamp="", public_id="a")
    no_time = await post(cloud, "image", timeless, make_picture())
    no_file = await post(cloud, "image", signed(cloud), None)
    empty = await post(cloud, "image", signed(cloud), b"")
    assert [a.status_code for a in (unsigned, no_time, no_file, empty)] == [400] * 4
    assert "timestamp" in no_time.json()["error"]["message"]
    assert "file" in no_file.json()["error"]["message"]
    assert empty.json()["error"]["message"] == "Empty file"


def playlist_of_a_secret(tmp_path: Path) -> bytes:
    secret = make_sound(tmp_path / "secret.wav", seconds=1)
    return f"#EXTM3U\n#EXTINF:10,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()


async def test_content_that_is_not_audio_is_refused(
    cloud: CloudSettings, sounds: dict[str, Path], tmp_path: Path
) -> None:
    before = folders_of_media(cloud)
    wrong = {
        "text": b"This is not a song.\n" * 1000,
        "noise": secrets.token_bytes(20_000),
        "picture": make_picture(),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "header only": sounds["wav"].read_bytes()[:44],
        "playlist": playlist_of_a_secret(tmp_path),
        "concat script": f"ffconcat version 1.0\nfile {tmp_path}/secret.wav\n".encode(),
    }
    for name, content in wrong.items():
        response = await post(cloud, "video", signed(cloud), content)
        assert response.status_code == 400, name
        assert response.json()["error"]["message"] == "Unsupported video format or file", name
    assert folders_of_media(cloud) == before
    assert list((cloud.data_dir / "cloudinary" / "incoming").iterdir()) == []


async def test_content_that_is_not_an_image_is_refused(cloud: CloudSettings, sounds: dict[str, Path]) -> None:
    wrong = {
        "text": b"This is not a picture.",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "song": sounds["mp3"].read_bytes(),
        "half a picture": make_picture()[:2000],
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    }
    for name, content in wrong.items():
        response = await post(cloud, "image", signed(cloud), content)
        assert response.status_code == 400, name
        assert response.json()["error"]["message"] == "Invalid image file", name


async def test_image_with_too_many_pixels_is_refused(cloud: CloudSettings) -> None:
    response = await post(cloud, "image", signed(cloud), make_picture("PNG", (6000, 6000), "1"))
    assert response.status_code == 400
    assert "too large" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "public_id",
    [
        "../a",
        "songs/../a",
        "/etc/passwd",
        "songs//a",
        "songs/",
        ".",
        "a\\b",
        "a?b",
        "a%2e",
        "a\nb",
        " a",
        "x" * 256,
    ],
)
async def test_public_id_with_path_traversal_is_refused(cloud: CloudSettings, public_id: str) -> None:
    response = await post(cloud, "image", signed(cloud, public_id=public_id), make_picture())
    assert response.status_code == 400
    assert "public_id" in response.json()["error"]["message"]


async def test_unsupported_types_and_calls_are_refused(cloud: CloudSettings) -> None:
    raw = await post(cloud, "raw", signed(cloud), b"x")
    assert (raw.status_code, "image or video" in raw.json()["error"]["message"]) == (400, True)
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        assert (await http.get(f"/v1_1/{cloud.cloud_name}/usage")).json()["error"]["message"]


async def test_invalid_eager_transformation_refuses_the_upload(
    cloud: CloudSettings, sounds: dict[str, Path]
) -> None:
    before = folders_of_media(cloud)
    response = await post(cloud, "video", signed(cloud, eager="br_77k/mp3"), sounds["mp3"].read_bytes())
    assert response.status_code == 400
    assert "br_77k" in response.json()["error"]["message"]
    assert folders_of_media(cloud) == before


async def test_malformed_multipart_body_is_400(cloud: CloudSettings) -> None:
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        response = await http.post(
            f"/v1_1/{cloud.cloud_name}/image/upload",
            content=b"--x\r\nnonsense",
            headers={"content-type": "multipart/form-data; boundary=x"},
        )
    assert response.status_code == 400
    assert json.loads(response.text)["error"]["message"]
