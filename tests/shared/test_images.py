"""Which images are accepted, and what is said of the others."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from shared.media.errors import NotAnImageError
from shared.media.images import check_image, open_image

MAX_PIXELS = 25_000_000
FORMATS = "Supported formats: JPEG, PNG, WebP or GIF"


def encoded(kind: str, size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(target, kind, **options)
    return target.getvalue()


def stored(folder: Path, content: bytes) -> Path:
    (folder / "image").write_bytes(content)
    return folder / "image"


def with_chunk(png: bytes, name: bytes, content: bytes) -> bytes:
    """The PNG with another chunk behind its header."""
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return png[:33] + struct.pack(">I", len(content)) + name + content + checksum + png[33:]


def long_text() -> PngInfo:
    info = PngInfo()
    for number in range(3):
        info.add_text(f"prompt{number}", "x" * 3_000_000, zip=True)
        info.add_itxt(f"parameters{number}", "é" * 3_000_000, zip=True)
    return info


PHOTO = Image.linear_gradient("L").resize((64, 48)).convert("RGB")

ACCEPTED: dict[str, bytes] = {
    "JPEG": encoded("JPEG"),
    "JPEG in CMYK": encoded("JPEG", mode="CMYK"),
    "JPEG of a phone": encoded("MPO", save_all=True, append_images=[PHOTO]),
    "JPEG with a large profile": encoded("JPEG", icc_profile=b"x" * 3_000_000),
    "PNG": encoded("PNG"),
    "PNG with 18 MB of text": encoded("PNG", pnginfo=long_text()),
    "PNG with broken text": with_chunk(encoded("PNG"), b"zTXt", b"a\0\0" + b"no zlib"),
    "PNG with a profile of 30 MB": with_chunk(
        encoded("PNG"), b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 30_000_000)
    ),
    "PNG in 16-bit grey": encoded("PNG", mode="I;16"),
    "WebP": encoded("WEBP"),
    "GIF": encoded("GIF"),
}


@pytest.mark.parametrize("name", ACCEPTED)
async def test_image_is_accepted_whatever_its_metadata(tmp_path: Path, name: str) -> None:
    await check_image(stored(tmp_path, ACCEPTED[name]), MAX_PIXELS)


async def test_image_keeps_its_pixels_without_metadata(tmp_path: Path) -> None:
    with open_image(stored(tmp_path, ACCEPTED["PNG with 18 MB of text"])) as image:
        assert image.tobytes() == PHOTO.tobytes()
        assert image.info == {}


REFUSED: dict[str, tuple[bytes, str]] = {
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(1000), "not a supported image"),
    "AVIF": (encoded("AVIF"), "not a supported image"),
    "TIFF": (encoded("TIFF"), "not a supported image"),
    "BMP": (encoded("BMP"), "not a supported image"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a supported"),
    "HTML": (b"<!DOCTYPE html><script>alert(1)</script>", "not a supported image"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a supported image"),
    "half a JPEG": (encoded("JPEG", (640, 480))[:3000], "damaged or incomplete"),
    "half a PNG": (encoded("PNG", (640, 480), "RGBA")[:800], "damaged or incomplete"),
    "half a WebP": (encoded("WEBP", (640, 480))[:300], "damaged or incomplete"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refusal_states_reason_and_accepted_formats(tmp_path: Path, name: str) -> None:
    content, reason = REFUSED[name]
    with pytest.raises(NotAnImageError, match=rf"{reason}.*\. {FORMATS}"):
        await check_image(stored(tmp_path, content), MAX_PIXELS)


@pytest.mark.parametrize("side", [5001, 9600, 20_000])
async def test_refusal_states_the_pixel_limit(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (side, side)).save(path)
    with pytest.raises(NotAnImageError, match="more than 25 million pixels"):
        await check_image(path, MAX_PIXELS)
