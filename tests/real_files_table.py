"""Audio files as people have them, in `tests/real_files`, and what becomes of them.

Each was once refused, crashed a service, or was accepted and could not be played. They hold tones.
"""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "real_files"


@dataclass(frozen=True)
class Accepted:
    """`seconds` as a song's `duration`."""

    seconds: int
    genre: str | None = None


REFUSED = {
    "codec-unknown.wav": "codec is not supported",
    "codec-unknown.mka": "codec is not supported",
    "codec-apac.m4a": "codec is not supported",
}

ACCEPTED = {
    "ok.mp3": Accepted(1),
    # Its first track lasts 6 s and cannot be decoded, its second 3 s: the rest of the song is silence.
    "apac-first-aac-second.m4a": Accepted(6),
    "layout-unknown.wav": Accepted(1),
    "one-nan.wav": Accepted(2),
    "joined-32k-and-320k.mp3": Accepted(6),
    "cover-in-apev2.mp3": Accepted(6),
    "zeros-at-the-end.mp3": Accepted(6),
    "riff-size-is-file-size.wav": Accepted(3),
    "gap.webm": Accepted(6),
    "starts-at-1h.webm": Accepted(6),
    "genre-80s.mp3": Accepted(1, "80s"),
    "cover-as-theora-frame.ogg": Accepted(6),
    "short-with-lyrics3.mp3": Accepted(1),
    "one-block-damaged.m4a": Accepted(53),
}

IMAGES = ("ok.png", "phone-photo-mpo.jpg", "png-with-2mb-text.png", "grey-16-bit.png")
