"""Covers decode, differ, and can be read."""

import io
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFont

from embedded.demo.content import DEMO
from embedded.demo.covers import SIDE_PIXELS, Cover, album_cover, song_cover
from embedded.demo.songs import GENRES


@cache
def covers() -> dict[str, Cover]:
    drawn = {f"song {s.title}": song_cover(s, DEMO.artist(s.artist_email).full_name) for s in DEMO.songs}
    for album in DEMO.albums:
        drawn[f"album {album.title}"] = album_cover(album, DEMO.artist(album.artist_email).full_name)
    return drawn


def test_every_cover_has_its_declared_format() -> None:
    for name, cover in covers().items():
        with Image.open(io.BytesIO(cover.image)) as image:
            image.load()
            assert image.size == (SIDE_PIXELS, SIDE_PIXELS), name
            assert image.format == cover.format
            assert Image.MIME[cover.format] == cover.content_type


def test_covers_use_all_three_formats() -> None:
    assert {cover.format for cover in covers().values()} == {"JPEG", "PNG", "WEBP"}


def test_covers_differ_from_each_other() -> None:
    pictures = {
        name: np.asarray(Image.open(io.BytesIO(cover.image)).convert("RGB").resize((64, 64)), dtype=np.int16)
        for name, cover in covers().items()
    }
    names = list(pictures)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            difference = np.abs(pictures[name] - pictures[other]).mean()
            assert difference > 1, (name, other)


def test_cover_of_a_song_is_deterministic() -> None:
    song = DEMO.songs[0]
    assert song_cover(song, "Nova Lumen") == song_cover(song, "Nova Lumen")


def test_genres_have_distinct_colours() -> None:
    song = DEMO.songs[0]
    averages = [
        np.asarray(
            Image.open(io.BytesIO(song_cover(replace(song, genre=genre), "Nova Lumen").image)).convert("RGB")
        ).mean(axis=(0, 1))
        for genre in GENRES
    ]
    for index, average in enumerate(averages):
        for other in averages[index + 1 :]:
            assert np.abs(average - other).max() > 15


def test_title_contrasts_with_its_panel() -> None:
    for name, cover in covers().items():
        with Image.open(io.BytesIO(cover.image)) as image:
            panel = np.asarray(image.convert("L").crop((32, 480, 568, 545)), dtype=np.int16)
        background = np.median(panel)
        written = np.abs(panel - background) > 90
        assert 0.02 < written.mean() < 0.5, name


def contrast_with_white(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Of each pixel, as WCAG 2.2 defines it."""
    share = picture / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance: npt.NDArray[np.float64] = linear @ np.array([0.2126, 0.7152, 0.0722])
    return 1.05 / (luminance + 0.05)


def test_white_text_is_readable_on_every_cover() -> None:
    """7:1 on the panel, 4.5:1 (WCAG 2.2 AA) elsewhere, but for the sun and shapes of the motif."""
    for name, cover in covers().items():
        with Image.open(io.BytesIO(cover.image)) as image:
            contrast = contrast_with_white(np.asarray(image.convert("RGB")))
        assert np.median(contrast[470:]) > 7, name
        assert np.median(contrast) > 4.5, name
        assert (contrast[:440] > 4.5).mean() > 0.6, name


@pytest.mark.parametrize("size", [54, 23])
def test_font_has_every_used_letter(size: int) -> None:
    font = ImageFont.load_default(size)
    missing = bytes(font.getmask("\N{CJK UNIFIED IDEOGRAPH-4E2D}"))
    artists = {artist.full_name for artist in DEMO.artists}
    for text in {s.title for s in DEMO.songs} | {a.title for a in DEMO.albums} | artists | {"·"}:
        for letter in text.replace(" ", ""):
            assert bytes(font.getmask(letter)) != missing, text


def test_longest_title_fits_the_cover() -> None:
    longest = max(DEMO.songs, key=lambda song: len(song.title))
    with Image.open(io.BytesIO(song_cover(longest, "The Blue Kettle Trio").image)) as image:
        margin = np.asarray(image.convert("L").crop((570, 480, 600, 590)), dtype=np.int16)
    assert margin.max() - margin.min() < 40
