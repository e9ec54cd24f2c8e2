"""Files that arrive at the local Cloudinary in chunks."""

import asyncio
import hashlib
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

from embedded.cloud.settings import CloudSettings
from tests.cloud.sending import content_of, new_id, post, signed

Options = dict[str, Any]


async def test_large_file_is_uploaded_in_chunks(
    cloud: CloudSettings, cloudinary_options: Options, long_wav: Path
) -> None:
    public_id = new_id()
    response = await asyncio.to_thread(
        cloudinary.uploader.upload_large,
        str(long_wav),
        resource_type="video",
        public_id=public_id,
        chunk_size=5_000_000,
        **cloudinary_options,
    )
    assert response["public_id"] == public_id
    assert response["bytes"] == len(content_of(long_wav))
    assert response["duration"] == pytest.approx(70, abs=0.1)
    async with httpx.AsyncClient(timeout=30) as http:
        assert (
            hashlib.sha256((await http.get(response["url"])).content).digest()
            == hashlib.sha256(content_of(long_wav)).digest()
        )
    assert list((cloud.data_dir / "cloudinary" / "incoming").iterdir()) == []


async def test_chunks_share_the_first_public_id(cloudinary_options: Options, long_wav: Path) -> None:
    response = await asyncio.to_thread(
        cloudinary.uploader.upload_large,
        str(long_wav),
        resource_type="video",
        chunk_size=6_000_000,
        **cloudinary_options,
    )
    assert len(response["public_id"]) == 20
    assert response["bytes"] == len(content_of(long_wav))


async def test_repeated_chunk_does_not_corrupt_the_file(cloud: CloudSettings, long_wav: Path) -> None:
    content, public_id = content_of(long_wav), new_id()
    upload_id = secrets.token_hex(8)
    cuts = [
        (0, 5_000_000),
        (0, 5_000_000),
        (5_000_000, 10_000_000),
        (5_000_000, 10_000_000),
        (10_000_000, None),
    ]
    for first, end in cuts:
        part = content[first:end]
        response = await post(
            cloud,
            "video",
            signed(cloud, public_id=public_id),
            part,
            **{
                "content-range": f"bytes {first}-{first + len(part) - 1}/{len(content)}",
                "x-unique-upload-id": upload_id,
            },
        )
        assert response.status_code == 200
    assert response.json()["etag"] == hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("content_range", "complaint"),
    [
        ("bytes 0-9/100", "larger than 5mb"),
        ("bytes 5-4/100", "Invalid Content-Range"),
        ("bytes 0-200/100", "Invalid Content-Range"),
        ("bytes 90-99/100", "before byte 90 is missing"),
        ("bytes 0-4/5", "does not fit"),
        ("bytes 0-4999999/104857601", "File size too large"),
        ("0-9/10", "Content-Range"),
    ],
)
async def test_invalid_chunk_is_refused(cloud: CloudSettings, content_range: str, complaint: str) -> None:
    response = await post(
        cloud,
        "video",
        signed(cloud),
        b"0123456789",
        **{"content-range": content_range, "x-unique-upload-id": secrets.token_hex(8)},
    )
    assert response.status_code == 400
    assert complaint in response.json()["error"]["message"]
