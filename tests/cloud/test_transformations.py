"""Reading transformations and delivery paths, without a network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.cloud.cloudinary.assets import is_public_id
from embedded.cloud.cloudinary.delivery import DeliveryPath
from embedded.cloud.cloudinary.stored_file import ByteRange, UnsatisfiableRangeError, parse_range
from embedded.cloud.cloudinary.transformations import (
    BIT_RATES_KBPS,
    FREQUENCIES_HZ,
    MAX_SIDE_PX,
    AudioRendition,
    PictureVariant,
    UnsupportedTransformationError,
    audio_rendition,
    eager_steps,
    picture_variant,
)


@pytest.mark.parametrize(
    ("text", "signature", "steps", "source"),
    [
        ("songs/a.mp3", None, "", "songs/a.mp3"),
        ("v1/songs/a.mp3", None, "", "songs/a.mp3"),
        ("br_64k/v1700000000/songs/a.mp3", None, "br_64k", "songs/a.mp3"),
        ("br_64k/ac_mp3,af_44100/v1/a", None, "br_64k/ac_mp3,af_44100", "a"),
        ("br_64k/a.mp3", None, "br_64k", "a.mp3"),
        ("s--xPpI3FPR--/br_64k/v1/songs/a.mp3", "xPpI3FPR", "br_64k", "songs/a.mp3"),
        ("v1/songs/v2/a.mp3", None, "", "songs/v2/a.mp3"),
        ("songs/v2/a.mp3", None, "", "songs/v2/a.mp3"),
        ("e_sepia/v1/a.mp3", None, "e_sepia", "a.mp3"),
        ("w_10", None, "", "w_10"),
        ("v1", None, "", "v1"),
    ],
)
def test_delivery_path_has_signature_steps_version_source(
    text: str, signature: str | None, steps: str, source: str
) -> None:
    assert DeliveryPath.parse(text) == DeliveryPath(signature, steps, source)


@given(st.text(max_size=60))
def test_delivery_path_parser_accepts_any_text(text: str) -> None:
    path = DeliveryPath.parse(text)
    assert text.endswith(path.source)


values = st.integers(-10, 100_000).map(str) | st.sampled_from(["64k", "320k", "44100", "auto", "fill"])
parameters = st.builds("{}_{}".format, st.sampled_from(["br", "af", "ac", "w", "h", "q", "c", "f"]), values)
steps_texts = st.text(max_size=40) | st.lists(parameters, max_size=4).map(",".join)


@given(steps_texts, st.sampled_from(["mp3", "wav", None]))
def test_renditions_are_from_a_fixed_set(steps: str, extension: str | None) -> None:
    try:
        rendition = audio_rendition(steps, extension, "mp3")
    except UnsupportedTransformationError:
        return
    if rendition:
        assert rendition.bit_rate_kbps in BIT_RATES_KBPS
        assert rendition.frequency_hz in (None, *FREQUENCIES_HZ)


@given(steps_texts, st.sampled_from(["png", "webp", None]))
def test_variants_are_always_within_bounds(steps: str, extension: str | None) -> None:
    try:
        variant = picture_variant(steps, extension, "jpg")
    except UnsupportedTransformationError:
        return
    if variant:
        assert all(side is None or 1 <= side <= MAX_SIDE_PX for side in (variant.width, variant.height))
        assert 1 <= variant.quality <= 100


def test_equivalent_transformations_share_one_file() -> None:
    names = {
        rendition.file_name
        for steps in ("br_128k", "br_128000", "ac_mp3/br_128k", "br_128k,f_mp3", "ac_mp3")
        if (rendition := audio_rendition(steps, "mp3", "wav"))
    }
    assert len(names) == 1


def test_request_without_transformation_is_the_original() -> None:
    assert audio_rendition("", "wav", "wav") is None
    assert audio_rendition("", None, "wav") is None
    assert audio_rendition("", "mp3", "wav") == AudioRendition()
    assert picture_variant("", "jpeg", "jpg") is None
    assert picture_variant("", "png", "jpg") == PictureVariant(format="png")
    assert picture_variant("w_5", None, "gif") == PictureVariant(width=5, format="png")


@pytest.mark.parametrize(
    ("eager", "steps"),
    [
        ("", []),
        ("ac_mp3,br_64k/mp3|br_128k/mp3", [("ac_mp3,br_64k", "mp3"), ("br_128k", "mp3")]),
        ("br_64k", [("br_64k", None)]),
        ("br_64k/ac_mp3", [("br_64k/ac_mp3", None)]),
    ],
)
def test_ordered_renditions_are_steps_and_a_format(eager: str, steps: list[tuple[str, str | None]]) -> None:
    assert eager_steps(eager) == steps


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 40))
def test_range_is_clamped_to_the_file(first: int, last: int, size: int) -> None:
    try:
        part = parse_range(f"bytes={first}-{last}", size)
    except UnsatisfiableRangeError:
        assert first >= size
        return
    if last < first:
        assert part is None
    else:
        assert part == ByteRange(first, min(last, size - 1))
        assert 0 < part.length <= size


@given(st.integers(0, 50), st.integers(1, 40))
def test_suffix_range_is_clamped_to_the_file(length: int, size: int) -> None:
    if length == 0:
        with pytest.raises(UnsatisfiableRangeError):
            parse_range("bytes=-0", size)
    else:
        assert parse_range(f"bytes=-{length}", size) == ByteRange(max(0, size - length), size - 1)


@given(st.text(max_size=30))
def test_range_parser_accepts_any_text(text: str) -> None:
    try:
        part = parse_range(text, 100)
    except UnsatisfiableRangeError:
        return
    assert part is None or 0 <= part.first <= part.last < 100


@given(st.text(max_size=30))
def test_public_id_never_holds_parent_segments(text: str) -> None:
    if is_public_id(text):
        assert not text.startswith("/")
        assert not {"", ".", ".."} & set(text.split("/"))
