"""Pictures as the local Cloudinary delivers them, decoded."""

import asyncio
import io
import secrets
from collections.abc import AsyncIterator
from typing import Any

import cloudinary.uploader
import httpx
import pytest
from PIL import Image

from embedded.cloud.cloudinary.renditions import PICTURES_KEPT_PER_ASSET
from embedded.cloud.settings import CloudSettings
from tests.cloud.media import make_picture

COVER = "c_fill,f_auto,h_300,q_auto,w_300"


@pytest.fixture
async def http(cloud: CloudSettings) -> AsyncIterator[httpx.AsyncClient]:
    base_url = f"{cloud.public_url}/{cloud.cloud_name}/image/upload/"
    async with httpx.AsyncClient(base_url=base_url, timeout=30) as client:
        yield client


async def upload(content: bytes, options: dict[str, Any]) -> dict[str, Any]:
    public_id = f"covers/{secrets.token_hex(6)}"
    response: dict[str, Any] = await asyncio.to_thread(
        cloudinary.uploader.upload, io.BytesIO(content), public_id=public_id, **options
    )
    return response


def decoded(response: httpx.Response) -> Image.Image:
    assert response.status_code == 200, response.text
    picture = Image.open(io.BytesIO(response.content))
    picture.load()
    return picture


async def test_cover_is_cropped_in_an_accepted_format(
    http: httpx.AsyncClient, cloudinary_options: dict[str, Any]
) -> None:
    public_id = (await upload(make_picture("JPEG", (640, 480)), cloudinary_options))["public_id"]
    modern = await http.get(f"{COVER}/v1/{public_id}", headers={"Accept": "image/avif,image/webp,*/*;q=0.8"})
    old = await http.get(f"{COVER}/v1/{public_id}", headers={"Accept": "image/*"})
    assert (decoded(modern).format, decoded(modern).size) == ("WEBP", (300, 300))
    assert (decoded(old).format, decoded(old).size) == ("JPEG", (300, 300))
    assert modern.headers["content-type"] == "image/webp"
    assert {modern.headers["vary"], old.headers["vary"]} == {"Accept"}
    assert modern.headers["etag"] != old.headers["etag"]
    again = await http.get(
        f"{COVER}/v1/{public_id}", headers={"Accept": "image/webp", "If-None-Match": modern.headers["etag"]}
    )
    assert again.status_code == 304
    assert modern.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("steps", "size"),
    [
        ("w_320", (320, 240)),
        ("h_120", (160, 120)),
        ("c_scale,h_100,w_100", (100, 100)),
        ("c_fit,h_300,w_300", (300, 225)),
        ("c_fit,h_1200,w_1200", (1200, 900)),
        ("c_limit,h_300,w_300", (300, 225)),
        ("c_limit,h_2000,w_2000", (640, 480)),
        ("c_limit,w_2000", (640, 480)),
        ("c_fill,h_100,w_400", (400, 100)),
        ("c_fill,h_1000,w_1000", (1000, 1000)),
        ("c_fill,g_auto,h_50,w_50/q_50", (50, 50)),
    ],
)
async def test_sizes_are_those_of_the_crop_mode(
    http: httpx.AsyncClient, cloudinary_options: dict[str, Any], steps: str, size: tuple[int, int]
) -> None:
    public_id = (await upload(make_picture("JPEG", (640, 480)), cloudinary_options))["public_id"]
    assert decoded(await http.get(f"{steps}/v1/{public_id}.jpg")).size == size


async def test_fill_mode_crops_without_distortion(
    http: httpx.AsyncClient, cloudinary_options: dict[str, Any]
) -> None:
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    encoded = io.BytesIO()
    wide.save(encoded, "PNG")
    public_id = (await upload(encoded.getvalue(), cloudinary_options))["public_id"]
    cut = decoded(await http.get(f"c_fill,h_90,w_90/v1/{public_id}.png")).convert("RGB")
    assert [cut.getpixel(at) for at in ((3, 45), (45, 45), (86, 45))] == [(0, 0, 255)] * 3


async def test_url_extension_decides_the_format(
    http: httpx.AsyncClient, cloudinary_options: dict[str, Any]
) -> None:
    original = make_picture("PNG", (64, 64), "RGBA")
    public_id = (await upload(original, cloudinary_options))["public_id"]
    assert (await http.get(f"v1/{public_id}.png")).content == original
    assert (await http.get(f"{public_id}")).content == original
    assert decoded(await http.get(f"v1/{public_id}.webp")).format == "WEBP"
    assert decoded(await http.get(f"v1/{public_id}.jpg")).mode == "RGB"
    assert decoded(await http.get(f"f_jpg,w_10/v1/{public_id}")).format == "JPEG"
    assert decoded(await http.get(f"f_auto/v1/{public_id}", headers={"Accept": "*/*"})).format == "PNG"


async def test_exif_orientation_is_applied(
    http: httpx.AsyncClient, cloudinary_options: dict[str, Any]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    encoded = io.BytesIO()
    Image.open(io.BytesIO(make_picture("JPEG", (640, 480)))).save(encoded, "JPEG", exif=exif)
    public_id = (await upload(encoded.getvalue(), cloudinary_options))["public_id"]
    turned = decoded(await http.get(f"w_240/v1/{public_id}.jpg"))
    assert turned.size == (240, 320)
    assert 0x0112 not in turned.getexif()


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
async def test_pictures_in_every_colour_mode_can_be_resized(
    http: httpx.AsyncClient, cloudinary_options: dict[str, Any], mode: str
) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    public_id = (await upload(make_picture(kind, (100, 80), mode), cloudinary_options))["public_id"]
    for picture_format in ("jpg", "png", "webp"):
        assert decoded(await http.get(f"w_50/v1/{public_id}.{picture_format}")).size == (50, 40)


@pytest.mark.parametrize(
    "steps",
    [
        "w_0",
        "w_2001",
        "w_99999",
        "w_1.5",
        "q_0",
        "q_101",
        "c_crop,w_10",
        "f_exe",
        "g_face,w_10",
        "e_sepia",
        "br_64k",
    ],
)
async def test_unsupported_variant_is_refused(
    http: httpx.AsyncClient, cloudinary_options: dict[str, Any], steps: str
) -> None:
    public_id = (await upload(make_picture("PNG", (20, 20)), cloudinary_options))["public_id"]
    response = await http.get(f"{steps}/v1/{public_id}.png")
    assert response.status_code == 400
    assert "Invalid transformation" in response.headers["x-cld-error"]


async def test_extreme_proportions_cannot_produce_huge_images(
    http: httpx.AsyncClient, cloudinary_options: dict[str, Any]
) -> None:
    public_id = (await upload(make_picture("PNG", (1, 9000)), cloudinary_options))["public_id"]
    assert (await http.get(f"w_2000/v1/{public_id}.png")).status_code == 400


async def test_stored_variants_are_bounded(
    cloud: CloudSettings, http: httpx.AsyncClient, cloudinary_options: dict[str, Any]
) -> None:
    response = await upload(make_picture("PNG", (20, 20)), cloudinary_options)
    folder = cloud.data_dir / "cloudinary" / "media" / response["version_id"]
    for width in range(1, PICTURES_KEPT_PER_ASSET + 10):
        assert decoded(await http.get(f"w_{width}/v1/{response['public_id']}.png")).width == width
    kept = [file for file in folder.iterdir() if file.name != "original"]
    assert len(kept) == PICTURES_KEPT_PER_ASSET
    assert decoded(await http.get(f"w_1/v1/{response['public_id']}.png")).width == 1
