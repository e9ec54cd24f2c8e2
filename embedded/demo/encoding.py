"""Encodes the synthesiser's output as audio files."""

import io
from dataclasses import dataclass
from typing import Literal

import av
import numpy as np

from embedded.demo.mix import SAMPLE_RATE, Sound
from embedded.demo.songs import Container


@dataclass(frozen=True, slots=True)
class _Format:
    codec: Literal["pcm_s16le", "flac", "libmp3lame", "libopus"]
    sample_rate: int
    layout: Literal["mono", "stereo"]
    bits_per_second: int | None
    content_type: str
    options: dict[str, str]


# Speed before size: a first start waits for these. Opus has no 32 kHz; MP3 takes long for two channels.
_FORMATS: dict[Container, _Format] = {
    "wav": _Format("pcm_s16le", SAMPLE_RATE, "stereo", None, "audio/wav", {}),
    "flac": _Format("flac", SAMPLE_RATE, "stereo", None, "audio/flac", {"compression_level": "0"}),
    "mp3": _Format("libmp3lame", SAMPLE_RATE, "mono", 128_000, "audio/mpeg", {"compression_level": "9"}),
    "ogg": _Format("libopus", 48_000, "stereo", 128_000, "audio/ogg", {"compression_level": "0"}),
}


def content_type(container: Container) -> str:
    return _FORMATS[container].content_type


def encode(sound: Sound, container: Container, tags: dict[str, str]) -> bytes:
    """A stereo sound of shape (2, samples) as a file; `tags` are FFmpeg's names (title, artist, genre)."""
    chosen = _FORMATS[container]
    channels = sound.mean(axis=0, keepdims=True) if chosen.layout == "mono" else sound
    pcm = np.ascontiguousarray((channels * np.float32(32_767)).astype(np.int16))
    frame = av.AudioFrame.from_ndarray(pcm, format="s16p", layout=chosen.layout)
    frame.sample_rate = SAMPLE_RATE
    frame.pts = 0
    target = io.BytesIO()
    # "bitexact" leaves out the random serial number of an OGG stream.
    with av.open(target, "w", format=container, options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream(chosen.codec, rate=chosen.sample_rate, options=chosen.options)
        stream.layout = chosen.layout
        if chosen.bits_per_second is not None:
            stream.bit_rate = chosen.bits_per_second
        file.metadata.update(tags)
        for packet in stream.encode(frame):
            file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)
    return target.getvalue()
