"""What the service accepts, the local cloud takes and transcodes: at every bit rate, and as long as it is."""

import asyncio
import io
from pathlib import Path
from typing import Any

import av
import cloudinary.uploader
import httpx
import numpy as np
import pytest
from PIL import Image

from tests.cloud.media import measure
from tests.cloud.sending import upload_song
from tests.real_files_table import ACCEPTED, FOLDER, IMAGES


async def rendition(
    video: httpx.AsyncClient, options: dict[str, Any], file: Path, bit_rate: str = "320k"
) -> bytes:
    public_id = await asyncio.to_thread(upload_song, file, options)
    response = await video.get(f"br_{bit_rate}/v1/{public_id}.mp3")
    assert response.status_code == 200, response.text
    return response.content


@pytest.mark.parametrize("name", ACCEPTED)
async def test_real_file_has_three_renditions(
    name: str, cloudinary_options: dict[str, Any], video: httpx.AsyncClient
) -> None:
    public_id = await asyncio.to_thread(upload_song, FOLDER / name, cloudinary_options)
    for kbps in (64, 128, 320):
        response = await video.get(f"br_{kbps}k/v1/{public_id}.mp3")
        assert response.status_code == 200, response.text
        assert measure(response.content).seconds == pytest.approx(ACCEPTED[name].seconds, abs=0.1)


async def test_nan_sample_becomes_silence(
    cloudinary_options: dict[str, Any], video: httpx.AsyncClient
) -> None:
    encoded = await rendition(video, cloudinary_options, FOLDER / "one-nan.wav")
    with av.open(io.BytesIO(encoded), "r") as container:
        frames = list(container.decode(container.streams.audio[0]))
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    # The tone is quiet: a sample that is not a number would be heard as a click of full amplitude.
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() < 0.5


@pytest.mark.parametrize("name", IMAGES)
async def test_real_image_is_served_and_resized(
    name: str, cloudinary_options: dict[str, Any], image: httpx.AsyncClient
) -> None:
    response = await asyncio.to_thread(
        cloudinary.uploader.upload, str(FOLDER / name), public_id=f"covers/{name}", **cloudinary_options
    )
    assert response["format"] == {".jpg": "jpg", ".png": "png"}[Path(name).suffix]
    original = await image.get(f"v1/covers/{name}.{response['format']}")
    assert original.headers["content-type"] == {"jpg": "image/jpeg", "png": "image/png"}[response["format"]]
    for extension in ("jpg", "png", "webp"):
        small = Image.open(io.BytesIO((await image.get(f"w_32/v1/covers/{name}.{extension}")).content))
        assert small.width == 32
        assert small.convert("L").getextrema() != (255, 255)


async def test_16_bit_grey_keeps_its_gradient(
    cloudinary_options: dict[str, Any], image: httpx.AsyncClient
) -> None:
    file = FOLDER / "grey-16-bit.png"
    await asyncio.to_thread(
        cloudinary.uploader.upload, str(file), public_id="covers/grey", **cloudinary_options
    )
    levels = np.asarray(Image.open(file)).astype(float) / 257
    made = Image.open(io.BytesIO((await image.get("f_jpg,q_100/v1/covers/grey")).content))
    assert np.asarray(made.convert("L")) == pytest.approx(levels, abs=4)
