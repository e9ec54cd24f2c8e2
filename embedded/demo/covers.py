"""Covers of songs and albums: drawn, not stored. The same title always gives the same bytes."""

import io
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from embedded.demo.artwork import Palette, paint, palette_of
from embedded.demo.songs import Album, Genre, Song

SIDE_PIXELS = 600

ImageFormat = Literal["JPEG", "PNG", "WEBP"]

_PANEL_PIXELS = 146
_MARGIN_PIXELS = 32
_TITLE_SIZES = (54, 48, 42, 36, 31, 27)
_CAPTION_SIZE = 23
_FORMATS: tuple[ImageFormat, ...] = ("JPEG", "PNG", "WEBP")
_CONTENT_TYPES: dict[ImageFormat, str] = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@dataclass(frozen=True, slots=True)
class Cover:
    """An encoded picture, 600 by 600 pixels."""

    image: bytes
    format: ImageFormat

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self.format]

    @property
    def file_name(self) -> str:
        return f"cover.{self.format.lower()}"


def song_cover(song: Song, artist_name: str) -> Cover:
    return _cover(song.genre, song.title, artist_name)


def album_cover(album: Album, artist_name: str) -> Cover:
    return _cover(album.genre, album.title, f"{artist_name} · album")


def _cover(genre: Genre, title: str, caption: str) -> Cover:
    seed = zlib.crc32(f"{genre}/{title}/{caption}".encode())
    rng = np.random.default_rng(seed)
    palette = palette_of(genre, rng)
    image = paint(genre, palette, SIDE_PIXELS, rng)
    _letter(image, palette, title, caption)
    chosen = _FORMATS[seed % len(_FORMATS)]
    return Cover(_encoded(image, chosen), chosen)


def _letter(image: Image.Image, palette: Palette, title: str, caption: str) -> None:
    """Writes the title as large as fits on one line of the panel, in two lines where it is very long."""
    draw = ImageDraw.Draw(image)
    top = SIDE_PIXELS - _PANEL_PIXELS
    draw.rectangle((0, top, SIDE_PIXELS, SIDE_PIXELS), fill=palette.panel)
    draw.rectangle((0, top, SIDE_PIXELS, top + 5), fill=palette.accents[1])
    room = SIDE_PIXELS - 2 * _MARGIN_PIXELS
    for size in _TITLE_SIZES:
        font = ImageFont.load_default(size)
        if draw.textlength(title, font) <= room:
            break
    middle = top + 62
    draw.text((_MARGIN_PIXELS, middle), title, palette.ink, font, anchor="lm", stroke_width=1)
    small = ImageFont.load_default(_CAPTION_SIZE)
    draw.text((_MARGIN_PIXELS, SIDE_PIXELS - 34), caption, palette.ink, small, anchor="lm")


def _encoded(image: Image.Image, chosen: ImageFormat) -> bytes:
    target = io.BytesIO()
    match chosen:
        case "JPEG":
            image.save(target, chosen, quality=88)
        case "PNG":
            image.save(target, chosen, compress_level=1)
        case "WEBP":
            image.save(target, chosen, quality=85, method=0)
    return target.getvalue()
