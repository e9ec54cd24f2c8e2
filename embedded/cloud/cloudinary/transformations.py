"""The part of Cloudinary's transformation language that the local cloud implements.

It refuses others (400) instead of delivering something else. Supported ones are bounded: a few bit rates and
sampling rates, and for pictures sizes up to 2000 px, of which `renditions` keeps a limited number on disk.
"""

import re
from dataclasses import dataclass
from typing import Literal

Crop = Literal["fill", "fit", "limit", "scale"]
PictureFormat = Literal["jpg", "png", "webp"]

BIT_RATES_KBPS = (48, 64, 96, 128, 160, 192, 256, 320)
FREQUENCIES_HZ = (32000, 44100, 48000)
DEFAULT_BIT_RATE_KBPS = 128
MAX_SIDE_PX = 2000
QUALITY_AUTO = 80
QUALITIES_AUTO = {"auto": QUALITY_AUTO, "auto:best": 90, "auto:good": 80, "auto:eco": 70, "auto:low": 60}

CROPS: dict[str, Crop] = {"fill": "fill", "fit": "fit", "limit": "limit", "scale": "scale"}
PICTURE_FORMATS: dict[str, PictureFormat] = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp"}
AUDIO_KEYS = frozenset({"ac", "af", "br", "f"})
PICTURE_KEYS = frozenset({"c", "f", "g", "h", "q", "w"})
_PARAMETER = re.compile(r"([a-z]{1,3})_([A-Za-z0-9.:]+)")


class UnsupportedTransformationError(Exception):
    """A transformation that the local cloud does not implement; the message names it."""


@dataclass(frozen=True)
class AudioRendition:
    """An mp3 of constant bit rate; without a frequency the original's is kept where mp3 has it."""

    bit_rate_kbps: int = DEFAULT_BIT_RATE_KBPS
    frequency_hz: int | None = None

    @property
    def file_name(self) -> str:
        """A canonical form: equal for every spelling of the same rendition."""
        return f"{self.bit_rate_kbps}k-{self.frequency_hz or 'original'}.mp3"


@dataclass(frozen=True)
class PictureVariant:
    """Sizes in pixels; `format` None means by what the client accepts (`f_auto`)."""

    width: int | None = None
    height: int | None = None
    crop: Crop = "scale"
    quality: int = QUALITY_AUTO
    format: PictureFormat | None = None


def looks_like_transformation(segment: str) -> bool:
    """Whether a path segment between `upload/` and the version can be one, as opposed to a folder's name."""
    parts = [_PARAMETER.fullmatch(part) for part in segment.split(",")]
    return all(part is not None and part[1] in AUDIO_KEYS | PICTURE_KEYS for part in parts)


def audio_rendition(steps: str, extension: str | None, original_format: str) -> AudioRendition | None:
    """What `steps` (`br_64k/ac_mp3`) and the URL's extension ask for; None is the original as it is."""
    wanted = _parameters(steps, AUDIO_KEYS)
    target = wanted.get("f", extension) or original_format
    if not wanted and target == original_format:
        return None
    if target != "mp3":
        raise UnsupportedTransformationError(f"audio is converted to mp3 only, not to {target}")
    if wanted.get("ac", "mp3") not in ("mp3", "auto"):
        raise UnsupportedTransformationError(f"ac_{wanted['ac']}: the audio codec can be mp3 only")
    return AudioRendition(
        bit_rate_kbps=_bit_rate_kbps(wanted.get("br")),
        frequency_hz=_frequency_hz(wanted.get("af")),
    )


def picture_variant(steps: str, extension: str | None, original_format: str) -> PictureVariant | None:
    """What `steps` (`c_fill,f_auto,h_300,q_auto,w_300`) ask for; None is the original as it is."""
    wanted = _parameters(steps, PICTURE_KEYS)
    named = wanted.pop("f", None) or extension
    if not wanted and named in (None, original_format, {"jpg": "jpeg"}.get(original_format)):
        return None
    if wanted.get("g", "center") not in ("center", "auto"):
        raise UnsupportedTransformationError(f"g_{wanted['g']}: the gravity can be center or auto only")
    target = None if named == "auto" else PICTURE_FORMATS.get(named or _kept_format(original_format))
    if target is None and named != "auto":
        raise UnsupportedTransformationError(f"pictures are delivered as jpg, png or webp, not as {named}")
    crop = CROPS.get(wanted.get("c", "scale"))
    if crop is None:
        raise UnsupportedTransformationError(f"c_{wanted['c']}: the crop can be {', '.join(CROPS)}")
    return PictureVariant(
        width=_side_px("w", wanted.get("w")),
        height=_side_px("h", wanted.get("h")),
        crop=crop,
        quality=_quality(wanted.get("q", "auto")),
        format=target,
    )


def eager_steps(eager: str) -> list[tuple[str, str | None]]:
    """`ac_mp3,br_64k/mp3|br_128k/mp3` -> [("ac_mp3,br_64k", "mp3"), ("br_128k", "mp3")]."""
    found: list[tuple[str, str | None]] = []
    for one in filter(None, eager.split("|")):
        steps, _, last = one.rpartition("/")
        found.append((one, None) if looks_like_transformation(last) else (steps, last or None))
    return found


def _parameters(steps: str, known: frozenset[str]) -> dict[str, str]:
    """The parameters of all steps. A repeated key is refused: later steps would build on earlier ones."""
    found: dict[str, str] = {}
    for part in filter(None, re.split(r"[,/]", steps)):
        match = _PARAMETER.fullmatch(part)
        if match is None or match[1] not in known:
            raise UnsupportedTransformationError(f"{part[:40]} is not one of {', '.join(sorted(known))}")
        if match[1] in found:
            raise UnsupportedTransformationError(f"{match[1]} may be given once")
        found[match[1]] = match[2]
    return found


def _bit_rate_kbps(text: str | None) -> int:
    if text is None:
        return DEFAULT_BIT_RATE_KBPS
    for known in BIT_RATES_KBPS:
        if text in (f"{known}k", f"{known}000"):
            return known
    raise UnsupportedTransformationError(
        f"br_{text}: the bit rate can be {', '.join(f'{rate}k' for rate in BIT_RATES_KBPS)}"
    )


def _frequency_hz(text: str | None) -> int | None:
    if text is None:
        return None
    for known in FREQUENCIES_HZ:
        if text == str(known):
            return known
    raise UnsupportedTransformationError(
        f"af_{text}: the frequency can be {', '.join(map(str, FREQUENCIES_HZ))}"
    )


def _side_px(key: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,3}", text) or int(text) > MAX_SIDE_PX:
        raise UnsupportedTransformationError(f"{key}_{text}: a side is 1 to {MAX_SIDE_PX} whole pixels")
    return int(text)


def _quality(text: str) -> int:
    if text in QUALITIES_AUTO:
        return QUALITIES_AUTO[text]
    if not re.fullmatch(r"[1-9][0-9]?|100", text):
        raise UnsupportedTransformationError(f"q_{text}: the quality is auto or 1 to 100")
    return int(text)


def _kept_format(original_format: str) -> str:
    return original_format if original_format in PICTURE_FORMATS else "png"
