"""What an uploaded file really is, found by decoding it: names and headers of the upload are not asked."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from PIL import Image

# Nothing that reads other files (playlists, concat scripts) may be opened: it would let an upload fetch what
# this process can reach. The names are ffmpeg's demuxers.
DEMUXERS = "aac,aiff,caf,flac,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,ogg,w64,wav"
AUDIO_FORMATS = {
    "aac": "aac",
    "aiff": "aiff",
    "caf": "caf",
    "flac": "flac",
    "matroska,webm": "webm",
    "mov,mp4,m4a,3gp,3g2,mj2": "m4a",
    "mp3": "mp3",
    "ogg": "ogg",
    "w64": "w64",
    "wav": "wav",
}
PROBE_TIMEOUT_SECONDS = 20
PACKETS_TO_TRY = 500
NO_AUDIO = "Unsupported video format or file"

PICTURE_FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tiff"}
MAX_PICTURE_PIXELS = 25_000_000


class NotMediaError(Exception):
    """The file cannot be decoded as what it was uploaded as; the message is Cloudinary's."""


@dataclass(frozen=True)
class Facts:
    """`details` are the keys of an upload's answer that depend on the kind of media."""

    format: str
    details: dict[str, Any]


def probe_audio(path: Path) -> Facts:
    """Duration in seconds, bit rate in bits per second. Raises NotMediaError unless sound can be decoded."""
    try:
        with av.open(
            str(path),
            mode="r",
            options={"format_whitelist": DEMUXERS, "protocol_whitelist": "file"},
            metadata_errors="replace",
            timeout=PROBE_TIMEOUT_SECONDS,
        ) as container:
            if not container.streams.audio:
                raise NotMediaError(NO_AUDIO)
            stream = container.streams.audio[0]
            if not any(packet.decode() for packet in islice(container.demux(stream), PACKETS_TO_TRY)):
                raise NotMediaError(NO_AUDIO)
            context = stream.codec_context
            duration = (
                container.duration / av.time_base if container.duration else _counted_seconds(container)
            )
            return Facts(
                AUDIO_FORMATS.get(container.format.name, "bin"),
                {
                    "is_audio": True,
                    "duration": round(duration, 6),
                    "bit_rate": container.bit_rate or context.bit_rate or 0,
                    "audio": {
                        "codec": context.codec.canonical_name,
                        "bit_rate": str(context.bit_rate or container.bit_rate or 0),
                        "frequency": context.sample_rate,
                        "channels": context.channels,
                        "channel_layout": context.layout.name,
                    },
                    "video": {},
                },
            )
    except (av.FFmpegError, ValueError, EOFError) as error:
        raise NotMediaError(NO_AUDIO) from error


def _counted_seconds(container: InputContainer) -> float:
    """Of a file that does not say how long it is, such as what a browser records."""
    stream = container.streams.audio[0]
    container.seek(0)
    ends = (
        packet.pts + (packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None
    )
    return float(max(ends, default=0) * (stream.time_base or 0))


def probe_picture(path: Path) -> Facts:
    """Size in pixels. Raises NotMediaError unless the whole picture can be decoded and is not too large."""
    try:
        with Image.open(path, formats=list(PICTURE_FORMATS)) as picture:
            if picture.width * picture.height > MAX_PICTURE_PIXELS:
                raise NotMediaError(
                    f"Image is too large, the maximum is {MAX_PICTURE_PIXELS // 1_000_000} Mp"
                )
            found = Facts(
                PICTURE_FORMATS[picture.format or ""], {"width": picture.width, "height": picture.height}
            )
            picture.load()
            return found
    # Pillow's plugins raise whatever their parsing runs into; all of it means that this is no picture.
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, KeyError) as error:
        raise NotMediaError("Invalid image file") from error
