"""What an audio file says of itself, found out by decoding all of it.

Only containers that hold their own sound are opened: playlists and the like, which name other files or
addresses, are never followed.
"""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from pydantic import TypeAdapter, ValidationError

from shared.media.decoding import decoded
from song_service.domain import AudioTooLongError, NotAudioError
from song_service.schemas import MAX_LABEL, Label

_OPEN_OPTIONS = {
    "format_whitelist": "mp3,wav,w64,flac,ogg,mov,mp4,m4a,aac,aiff,matroska,webm,caf",
    "protocol_whitelist": "file",
}

_LABEL: TypeAdapter[str] = TypeAdapter(Label)

MOST_MISSING = 0.02
"""Share of the announced length that may be missing before a file counts as cut short."""

MOST_BROKEN = 0.01
"""Share of packets that may be undecodable; players pass over that much, too."""

HIGHEST_RATE = 192_000
MOST_CHANNELS = 8
LONGEST_DECODING_SECONDS = 60.0
"""Silence packs so well that a small file can be made to cost any amount of decoding."""

LARGEST_MP3_FRAME = 1441
"""Bytes."""

LENGTH_OF_STREAMS = 0x7000_0000
"""Bytes. WAV headers that promise more were written before the length was known."""


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """`duration` in whole seconds, at least 1; `genre` from the tags of the file."""

    duration: int
    genre: str | None


def _says_its_length(path: Path, container: InputContainer) -> bool:
    """Whether the length that FFmpeg tells is the file's own word. Without one it guesses from the bit rate
    at the beginning, which may be far off: for raw AAC always, for MP3 without a header frame of its encoder.
    """
    if container.format.name != "mp3":
        return container.format.name != "aac"
    with path.open("rb") as file:
        tag = file.read(10)
        if tag[:3] == b"ID3":
            size = 0
            for seven_bits in tag[6:]:
                size = size << 7 | seven_bits & 0x7F
            file.seek(10 + size)
        else:
            file.seek(0)
        frame = file.read(LARGEST_MP3_FRAME)
    return any(mark in frame for mark in (b"Xing", b"Info", b"VBRI"))


def _announced_seconds(path: Path, container: InputContainer) -> float | None:
    if not _says_its_length(path, container):
        return None
    stream = container.streams.audio[0]
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration is not None else None


def _decode(container: InputContainer, max_seconds: float) -> float:
    """Seconds of sound in it.

    Raises:
        NotAudioError: too much of it cannot be decoded, or decoding it costs too much.
        AudioTooLongError: it is longer than `max_seconds`.
    """
    stream = container.streams.audio[0]
    if stream.sample_rate > HIGHEST_RATE or stream.channels > MOST_CHANNELS:
        raise NotAudioError(f"At most {HIGHEST_RATE // 1000} kHz and {MOST_CHANNELS} channels are taken")
    give_up_at = time.monotonic() + LONGEST_DECODING_SECONDS
    seconds = 0.0
    packets = broken = 0
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        packets += 1
        try:
            seconds += sum(frame.samples / frame.sample_rate for frame in packet.decode())
        except av.error.InvalidDataError:
            broken += 1
        if seconds > max_seconds:
            raise AudioTooLongError(f"At most {round(max_seconds / 60)} minutes are taken")
        if time.monotonic() > give_up_at:
            raise NotAudioError("The audio takes too long to decode")
    if broken > packets * MOST_BROKEN:
        raise _damaged()
    return seconds


def _check_wav(path: Path) -> None:
    """FFmpeg takes a WAV file to be as long as it is found to be. Its header knows better, unless it was
    written as a stream: then it names a length that no file has.

    Raises:
        NotAudioError: a part is missing.
    """
    with path.open("rb") as file:
        header = file.read(12)
    announced = int.from_bytes(header[4:8], "little") + 8
    if header[:4] == b"RIFF" and announced < LENGTH_OF_STREAMS and path.stat().st_size < announced - 1:
        raise _damaged()


def _damaged() -> NotAudioError:
    return NotAudioError("The audio is damaged or cut short")


def _inspect(path: Path, max_seconds: float) -> AudioFacts:
    _check_wav(path)
    try:
        with av.open(str(path), options=_OPEN_OPTIONS, metadata_errors="ignore") as container:
            pictures_only = all(
                stream.disposition & av.stream.Disposition.attached_pic for stream in container.streams.video
            )
            if not container.streams.audio or not pictures_only:
                raise NotAudioError("The file is not audio")
            announced = _announced_seconds(path, container)
            tags = {name.lower(): value for name, value in container.streams.audio[0].metadata.items()}
            tags.update({name.lower(): value for name, value in container.metadata.items()})
            seconds = _decode(container, max_seconds)
    except av.error.FFmpegError as failure:
        raise NotAudioError("The file is not audio that can be decoded") from failure
    if seconds <= 0:
        raise NotAudioError("The file holds no sound")
    if announced is not None and seconds < announced * (1 - MOST_MISSING) - 0.2:
        raise _damaged()
    return AudioFacts(max(1, round(seconds)), _genre(tags.get("genre", "")))


def _genre(tag: str) -> str | None:
    """The first that the tag names, cut to length; None when it is none that a client could send."""
    try:
        return _LABEL.validate_python(tag.split(";")[0].strip()[:MAX_LABEL]) or None
    except ValidationError:
        return None


async def inspect_audio(path: Path, max_seconds: float) -> AudioFacts:
    """What the file says of itself.

    Raises:
        NotAudioError: it is no audio, or damaged, or cut short.
        AudioTooLongError: it is longer than `max_seconds`.
    """
    return await decoded(partial(_inspect, path, max_seconds))
