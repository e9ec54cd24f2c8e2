"""The audio and image formats that uploads may have: one table for the services and the local cloud.

Only containers that hold their own audio are listed. Playlists and scripts, which refer to other files or
addresses, are never opened.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """`demuxer` is FFmpeg's name of the container, `extension` the one of the stored file."""

    label: str
    demuxer: str
    extension: str
    media_type: str


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """`decoder` is Pillow's name, `variant` its name for a file of this format with several images."""

    label: str
    decoder: str
    variant: str | None
    extension: str
    media_type: str


AUDIO_FORMATS = (
    AudioFormat("MP3", "mp3", "mp3", "audio/mpeg"),
    AudioFormat("M4A", "mov,mp4,m4a,3gp,3g2,mj2", "m4a", "audio/mp4"),
    AudioFormat("AAC", "aac", "aac", "audio/aac"),
    AudioFormat("WAV", "wav", "wav", "audio/wav"),
    AudioFormat("W64", "w64", "w64", "audio/x-w64"),
    AudioFormat("FLAC", "flac", "flac", "audio/flac"),
    AudioFormat("Ogg", "ogg", "ogg", "audio/ogg"),
    AudioFormat("WebM", "matroska,webm", "webm", "audio/webm"),
    AudioFormat("AIFF", "aiff", "aiff", "audio/aiff"),
    AudioFormat("CAF", "caf", "caf", "audio/x-caf"),
)

IMAGE_FORMATS = (
    ImageFormat("JPEG", "JPEG", "MPO", "jpg", "image/jpeg"),
    ImageFormat("PNG", "PNG", None, "png", "image/png"),
    ImageFormat("WebP", "WEBP", None, "webp", "image/webp"),
    ImageFormat("GIF", "GIF", None, "gif", "image/gif"),
)

DEMUXERS = ",".join(each.demuxer for each in AUDIO_FORMATS)
"""FFmpeg's `format_whitelist`."""

AUDIO_FORMAT_BY_DEMUXER = {each.demuxer: each for each in AUDIO_FORMATS}

IMAGE_DECODERS = [each.decoder for each in IMAGE_FORMATS]
"""Pillow's `formats`."""

IMAGE_FORMAT_BY_NAME = {
    name: each for each in IMAGE_FORMATS for name in (each.decoder, each.variant) if name is not None
}


def _listed(labels: list[str]) -> str:
    return f"{', '.join(labels[:-1])} or {labels[-1]}"


SUPPORTED_AUDIO = _listed([each.label for each in AUDIO_FORMATS])
"""For people: `MP3, M4A, ... or CAF`."""

SUPPORTED_IMAGES = _listed([each.label for each in IMAGE_FORMATS])
