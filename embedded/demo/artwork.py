"""The geometric pictures on the covers, one manner and one set of palettes for each genre."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from embedded.demo.songs import Genre

Colour = tuple[int, int, int]

_DRAWN_AT = 2
"""Pictures are drawn this many times larger and then reduced, which smooths their edges."""


@dataclass(frozen=True, slots=True)
class Palette:
    """`sky` runs from top to bottom; `ink` is for text on `panel`.

    All but the accents are dark: front ends write on covers in white.
    """

    sky: tuple[Colour, Colour]
    accents: tuple[Colour, Colour, Colour]
    panel: Colour
    ink: Colour


_PALETTES: dict[Genre, tuple[Palette, ...]] = {
    "Ambient": (
        Palette(
            ((12, 24, 50), (58, 98, 130)),
            ((232, 240, 242), (62, 106, 138), (28, 56, 92)),
            (10, 20, 40),
            (232, 240, 242),
        ),
        Palette(
            ((34, 26, 64), (104, 84, 132)),
            ((246, 228, 222), (98, 78, 132), (56, 42, 92)),
            (26, 20, 48),
            (246, 234, 228),
        ),
        Palette(
            ((10, 42, 46), (62, 112, 104)),
            ((238, 244, 220), (52, 106, 98), (22, 68, 70)),
            (8, 32, 34),
            (236, 244, 224),
        ),
    ),
    "Electronic": (
        Palette(
            ((14, 6, 40), (92, 12, 104)),
            ((255, 62, 165), (0, 229, 255), (255, 214, 64)),
            (10, 4, 28),
            (0, 229, 255),
        ),
        Palette(
            ((4, 14, 36), (16, 60, 130)),
            ((0, 255, 178), (255, 88, 88), (240, 240, 255)),
            (3, 10, 26),
            (0, 255, 178),
        ),
        Palette(
            ((24, 4, 24), (150, 24, 60)),
            ((255, 140, 40), (255, 60, 120), (120, 90, 255)),
            (18, 3, 18),
            (255, 170, 80),
        ),
    ),
    "Folk": (
        Palette(
            ((84, 34, 44), (158, 72, 46)),
            ((244, 174, 92), (106, 70, 46), (58, 52, 34)),
            (36, 28, 18),
            (250, 236, 206),
        ),
        Palette(
            ((66, 42, 58), (146, 66, 58)),
            ((240, 146, 96), (112, 58, 44), (68, 38, 34)),
            (42, 22, 20),
            (252, 230, 196),
        ),
        Palette(
            ((70, 62, 34), (128, 96, 44)),
            ((246, 204, 112), (70, 92, 48), (38, 60, 36)),
            (26, 38, 24),
            (244, 240, 214),
        ),
    ),
    "Jazz": (
        Palette(
            ((22, 46, 96), (16, 32, 70)),
            ((222, 92, 52), (236, 178, 56), (112, 152, 186)),
            (12, 22, 50),
            (240, 228, 204),
        ),
        Palette(
            ((20, 62, 58), (14, 44, 42)),
            ((228, 170, 66), (200, 76, 62), (224, 216, 198)),
            (10, 32, 32),
            (238, 222, 180),
        ),
        Palette(
            ((52, 44, 66), (36, 30, 48)),
            ((226, 196, 160), (206, 74, 84), (86, 150, 156)),
            (24, 20, 34),
            (240, 230, 220),
        ),
    ),
}


def palette_of(genre: Genre, rng: np.random.Generator) -> Palette:
    """One of the genre's palettes."""
    palettes = _PALETTES[genre]
    return palettes[rng.integers(len(palettes))]


def paint(genre: Genre, palette: Palette, side: int, rng: np.random.Generator) -> Image.Image:
    """A square picture in the genre's manner, `side` pixels wide; nothing vital is in its lowest quarter."""
    large = side * _DRAWN_AT
    image = _gradient(large, *palette.sky)
    _MANNERS[genre](ImageDraw.Draw(image, "RGBA"), palette, large, rng)
    return image.reduce(_DRAWN_AT)


def _gradient(side: int, top: Colour, bottom: Colour) -> Image.Image:
    column = np.linspace(top, bottom, side).astype(np.uint8)
    return Image.fromarray(column[:, np.newaxis, :]).resize((side, side), Image.Resampling.NEAREST)


def _disc(
    draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour, alpha: int = 255
) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour, alpha))


def _ridge(
    draw: ImageDraw.ImageDraw,
    side: int,
    height: float,
    swing: float,
    waves: float,
    phase: float,
    fill: Colour,
) -> None:
    """A wavy horizon, everything below it filled."""
    x = np.linspace(0, side, 97)
    y = height + swing * np.sin(x / side * waves * math.tau + phase) * (
        0.7 + 0.3 * np.sin(x / side * 5 + phase)
    )
    line = [(float(left), float(top)) for left, top in zip(x, y, strict=True)]
    draw.polygon([*line, (side, side), (0, side)], fill=fill)


def _still_water(draw: ImageDraw.ImageDraw, palette: Palette, side: int, rng: np.random.Generator) -> None:
    """A pale moon with wide halos over layers of mist."""
    x, y = rng.uniform(0.25, 0.75) * side, rng.uniform(0.2, 0.38) * side
    for radius, alpha in ((0.34, 22), (0.26, 34), (0.18, 60), (0.11, 255)):
        _disc(draw, x, y, radius * side, palette.accents[0], alpha)
    for layer in range(4):
        share = layer / 3
        mixed = [
            round(a + (b - a) * share) for a, b in zip(palette.accents[1], palette.accents[2], strict=True)
        ]
        _ridge(
            draw,
            side,
            side * (0.5 + 0.1 * layer),
            side * 0.03,
            rng.uniform(0.6, 1.4),
            rng.uniform(0, math.tau),
            (mixed[0], mixed[1], mixed[2]),
        )


def _neon(draw: ImageDraw.ImageDraw, palette: Palette, side: int, rng: np.random.Generator) -> None:
    """A sliced sun, or pyramid, over a grid that runs to the horizon."""
    horizon = side * 0.52
    x, radius = rng.uniform(0.35, 0.65) * side, rng.uniform(0.22, 0.3) * side
    if rng.random() < 0.6:
        _disc(draw, x, horizon - radius * 0.3, radius, palette.accents[0])
    else:
        corners = [(x, horizon - radius * 1.5), (x - radius * 1.2, horizon), (x + radius * 1.2, horizon)]
        draw.polygon(corners, fill=palette.accents[0])
    for cut in range(6):
        top = horizon - radius * 0.55 + cut * radius * 0.16
        draw.rectangle((0, top, side, top + radius * (0.02 + 0.012 * cut)), fill=palette.sky[0])
    draw.rectangle((0, horizon, side, side), fill=palette.panel)
    for line in range(-12, 13):
        draw.line(
            (x + line * side * 0.03, horizon, x + line * side * 0.22, side), palette.accents[1], side // 240
        )
    for row in range(9):
        depth = horizon + (side - horizon) * (row / 8) ** 2
        draw.line((0, depth, side, depth), palette.accents[1], side // 240)
    for _ in range(40):
        _disc(draw, rng.uniform(0, side), rng.uniform(0, horizon * 0.8), side / 400, palette.accents[2], 200)


def _hills(draw: ImageDraw.ImageDraw, palette: Palette, side: int, rng: np.random.Generator) -> None:
    """A low sun, two rows of hills, firs."""
    _disc(draw, rng.uniform(0.2, 0.8) * side, side * 0.34, rng.uniform(0.13, 0.18) * side, palette.accents[0])
    _ridge(draw, side, side * 0.5, side * 0.05, 1.3, rng.uniform(0, math.tau), palette.accents[1])
    _ridge(draw, side, side * 0.63, side * 0.04, 0.9, rng.uniform(0, math.tau), palette.accents[2])
    for x in np.sort(rng.uniform(0.04, 0.96, int(rng.integers(5, 9)))) * side:
        foot = side * rng.uniform(0.66, 0.74)
        height = side * rng.uniform(0.12, 0.24)
        for tier in range(3):
            top, width = foot - height * (1 - tier * 0.22), height * (0.14 + tier * 0.08)
            bottom = top + height * 0.5
            draw.polygon([(x, top), (x - width, bottom), (x + width, bottom)], fill=palette.panel)


def _cut_paper(draw: ImageDraw.ImageDraw, palette: Palette, side: int, rng: np.random.Generator) -> None:
    """Bars and half discs laid over each other, as on the sleeves of the fifties."""
    left = 0.06 * side
    for bar in range(7):
        width = side * rng.uniform(0.05, 0.1)
        top = side * rng.uniform(0.06, 0.34)
        draw.rectangle(
            (left, top, left + width, top + side * rng.uniform(0.2, 0.4)), fill=palette.accents[bar % 3]
        )
        left += width + side * 0.04
    for _ in range(3):
        x, y, radius = (
            rng.uniform(0.2, 0.8) * side,
            rng.uniform(0.25, 0.6) * side,
            rng.uniform(0.09, 0.17) * side,
        )
        start = int(rng.integers(4)) * 90
        colour = palette.accents[rng.integers(3)]
        draw.pieslice(
            (x - radius, y - radius, x + radius, y + radius), start, start + 180, fill=(*colour, 225)
        )


_MANNERS: dict[Genre, Callable[[ImageDraw.ImageDraw, Palette, int, np.random.Generator], None]] = {
    "Ambient": _still_water,
    "Electronic": _neon,
    "Folk": _hills,
    "Jazz": _cut_paper,
}
