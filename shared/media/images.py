"""Whether a file is an image that we take, decided by decoding it."""

from functools import partial
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from shared.errors import UnsupportedMediaError
from shared.media.decoding import decoded

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


class NotAnImageError(UnsupportedMediaError):
    """Not a JPEG, PNG, WebP or GIF image that can be decoded to its end."""

    code = "not_an_image"

    def __init__(self, detail: str = "The image must be a whole JPEG, PNG, WebP or GIF file") -> None:
        super().__init__(detail)


def _decode(path: Path, max_pixels: int) -> None:
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise NotAnImageError(f"The image has more than {max_pixels // 1_000_000} million pixels")
            image.load()
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as failure:
        raise NotAnImageError from failure


async def check_image(path: Path, max_pixels: int) -> None:
    """Go on only when the file is an image of at most `max_pixels` that decodes to its end.

    Raises:
        NotAnImageError: it is not.
    """
    await decoded(partial(_decode, path, max_pixels))
