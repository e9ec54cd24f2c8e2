"""Resizes and converts images with Pillow."""

import logging
from pathlib import Path

from PIL import Image, ImageOps

from embedded.cloud.cloudinary.transformations import (
    PictureFormat,
    PictureVariant,
    UnsupportedTransformationError,
)
from shared.media.images import open_image

MAX_RESULT_PIXELS = 16_000_000
EXIF_ORIENTATION = 0x0112
ON_ITS_SIDE = (5, 6, 7, 8)
logger = logging.getLogger(__name__)

PILLOW_FORMATS: dict[PictureFormat, str] = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


def has_alpha(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _orientation(picture: Image.Image) -> int:
    """1 is upright, and the default if the EXIF data cannot be read."""
    try:
        return int(picture.getexif().get(EXIF_ORIENTATION, 1))
    except Exception as error:  # noqa: BLE001 - Pillow raises whatever its parser runs into
        logger.info("EXIF not read: %s", type(error).__name__)
        return 1


def _in_8_bits(picture: Image.Image) -> Image.Image:
    """Pillow clips 16-bit grey at 255 instead of scaling it."""
    if not picture.mode.startswith("I"):
        return picture
    scaled = picture.convert("I").point(lambda level: level * (255 / 65535) + 0.5).convert("L")
    transparent = scaled.info.get("transparency")
    if isinstance(transparent, int):
        scaled.info["transparency"] = transparent * 255 // 65535
    return scaled


def target_size(variant: PictureVariant, width: int, height: int) -> tuple[int, int]:
    """Of a picture of `width` x `height`, in pixels, as Cloudinary's crop modes define it."""
    ratio = width / height
    if variant.width is None and variant.height is None:
        return width, height
    if variant.width is None or variant.height is None:
        wanted_width = variant.width or max(1, round((variant.height or 1) * ratio))
        wanted_height = variant.height or max(1, round(wanted_width / ratio))
        if variant.crop == "limit" and wanted_width > width:
            return width, height
        return wanted_width, wanted_height
    if variant.crop in ("fill", "scale"):
        return variant.width, variant.height
    scale = min(variant.width / width, variant.height / height)
    if variant.crop == "limit":
        scale = min(scale, 1.0)
    return max(1, round(width * scale)), max(1, round(height * scale))


def write_variant(
    original: Path, variant: PictureVariant, picture_format: PictureFormat, result: Path
) -> None:
    """Blocks while it decodes and encodes. Raises UnsupportedTransformationError when too large."""
    with open_image(original) as opened:
        width, height = opened.size
        orientation = _orientation(opened)
        if orientation in ON_ITS_SIDE:
            width, height = height, width
        size = target_size(variant, width, height)
        if size[0] * size[1] > MAX_RESULT_PIXELS:
            raise UnsupportedTransformationError(f"the result would be {size[0]} x {size[1]} pixels")
        # A JPEG decoder can decode at a reduced size, which takes less time and memory.
        opened.draft(None, (2 * max(size), 2 * max(size)))
        upright = _in_8_bits(ImageOps.exif_transpose(opened) if orientation != 1 else opened)
        plain = upright.convert("RGBA" if has_alpha(upright) else "RGB")
    if variant.crop == "fill":
        resized = ImageOps.fit(plain, size, Image.Resampling.LANCZOS)
    else:
        resized = plain.resize(size, Image.Resampling.LANCZOS)
    if picture_format == "jpg" and resized.mode == "RGBA":
        backdrop = Image.new("RGB", resized.size, "white")
        backdrop.paste(resized, mask=resized.getchannel("A"))
        resized = backdrop
    options = {"optimize": True} if picture_format == "png" else {"quality": variant.quality}
    resized.save(result, PILLOW_FORMATS[picture_format], **options)
