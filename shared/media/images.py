"""Checks by decoding whether a file is an accepted image.

The local cloud also uses `open_image`, so it can resize every image that a service accepts.
"""

import io
import zlib
from functools import partial
from pathlib import Path

import structlog
from PIL import Image, UnidentifiedImageError

from shared.media.decoding import decoded
from shared.media.errors import NotAnImageError
from shared.media.formats import IMAGE_DECODERS

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_TEXT = frozenset({b"tEXt", b"zTXt", b"iTXt"})
LARGEST_PROFILE_BYTES = 1_000_000

log = structlog.stdlib.get_logger(__name__)


def open_image(path: Path) -> Image.Image:
    """The image, opened by Pillow; a context manager.

    Raises Pillow's errors. Pillow's limits on metadata do not apply: an image with a long comment is not
    damaged.
    """
    with path.open("rb") as file:
        is_png = file.read(len(PNG_SIGNATURE)) == PNG_SIGNATURE
    source = io.BytesIO(_without_metadata(path.read_bytes())) if is_png else path
    return Image.open(source, formats=IMAGE_DECODERS)


def _without_metadata(png: bytes) -> bytes:
    """The PNG without text chunks, and without a colour profile that exceeds its limit when inflated."""
    kept, at = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while at + 12 <= len(png):
        name, end = png[at + 4 : at + 8], at + 12 + int.from_bytes(png[at : at + 4], "big")
        is_huge_profile = name == b"iCCP" and _inflates_beyond_limit(png[at + 8 : end - 4])
        if name not in PNG_TEXT and not is_huge_profile:
            kept.append(png[at:end])
        at = end
    return b"".join(kept)


def _inflates_beyond_limit(profile: bytes) -> bool:
    """`profile` is its name, a zero byte, the compression method, and the compressed data."""
    compressed = profile[profile.find(b"\0") + 2 :]
    try:
        inflated = zlib.decompressobj().decompress(compressed, LARGEST_PROFILE_BYTES)
    except zlib.error:
        return False
    return len(inflated) >= LARGEST_PROFILE_BYTES


def _check(path: Path, max_pixels: int) -> None:
    too_many_pixels = f"The image has more than {max_pixels // 1_000_000} million pixels"
    try:
        with open_image(path) as image:
            if image.width * image.height > max_pixels:
                raise NotAnImageError(too_many_pixels)
            image.load()
    except NotAnImageError:
        raise
    except UnidentifiedImageError as failure:
        raise NotAnImageError("The file is not a supported image") from failure
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as failure:
        raise NotAnImageError(too_many_pixels) from failure
    except Exception as failure:
        # Pillow's decoders raise any kind of exception.
        log.info("image refused", error=type(failure).__name__)
        raise NotAnImageError("The image is damaged or incomplete") from failure


async def check_image(path: Path, max_pixels: int) -> None:
    """Require an image of at most `max_pixels` that decodes completely.

    Raises:
        NotAnImageError: it is not.
    """
    await decoded(partial(_check, path, max_pixels))
