"""Detects the type of an uploaded file by decoding it: names and headers of the upload are ignored. Files are
opened by the code that the services use to check them, with the same formats. Only the beginning of audio is
decoded here: all of it is decoded for its renditions.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from shared.media.audio_reader import AudioFile
from shared.media.formats import IMAGE_FORMAT_BY_NAME
from shared.media.images import open_image

PROBE_TIMEOUT_SECONDS = 20.0
NO_AUDIO = "Unsupported video format or file"
MAX_IMAGE_PIXELS = 25_000_000


class NotMediaError(Exception):
    """The file cannot be decoded as its type; the message is Cloudinary's."""


@dataclass(frozen=True)
class Facts:
    """`details` are the keys of an upload's response that depend on the kind of media."""

    format: str
    details: dict[str, Any]


def probe_audio(path: Path) -> Facts:
    """Duration in seconds, bit rate in bits per second. Raises NotMediaError unless audio can be decoded."""
    try:
        with AudioFile(path) as file:
            frame = next(each for each in file.pieces(PROBE_TIMEOUT_SECONDS) if isinstance(each, AudioFrame))
            track, container = file.track, file.container
            if track is None:
                raise NotMediaError(NO_AUDIO)
            duration = (
                container.duration / av.time_base
                if container.duration
                else _counted_seconds(container, track)
            )
            bit_rate = track.codec_context.bit_rate or 0
            return Facts(
                file.format.extension,
                {
                    "is_audio": True,
                    "duration": round(duration, 6),
                    "bit_rate": container.bit_rate or bit_rate,
                    "audio": {
                        "codec": track.codec_context.codec.canonical_name,
                        "bit_rate": str(bit_rate or container.bit_rate or 0),
                        "frequency": frame.sample_rate,
                        "channels": frame.layout.nb_channels,
                        "channel_layout": frame.layout.name,
                    },
                    "video": {},
                },
            )
    # The libraries raise any kind of exception for a file that is not audio.
    except Exception as error:
        raise NotMediaError(NO_AUDIO) from error


def _counted_seconds(container: InputContainer, stream: AudioStream) -> float:
    """The duration of a file that declares none, such as a recording of a browser."""
    container.seek(0)
    ends = (
        packet.pts + (packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None
    )
    return float(max(ends, default=0) * (stream.time_base or 0))


def probe_picture(path: Path) -> Facts:
    """Size in pixels. Raises NotMediaError unless the whole picture can be decoded and is not too large."""
    try:
        with open_image(path) as picture:
            if picture.width * picture.height > MAX_IMAGE_PIXELS:
                raise NotMediaError(f"Image is too large, the maximum is {MAX_IMAGE_PIXELS // 1_000_000} Mp")
            found = Facts(
                IMAGE_FORMAT_BY_NAME[picture.format or ""].extension,
                {"width": picture.width, "height": picture.height},
            )
            picture.load()
            return found
    except NotMediaError:
        raise
    # Pillow's plugins raise any kind of exception for a file that is not an image.
    except Exception as error:
        raise NotMediaError("Invalid image file") from error
