"""Checks whether a file is accepted audio, and reads its length and genre, by decoding all of it.

The local cloud uses the same decoding when it transcodes (shared/media/audio_reader.py).
"""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from shared.errors import AppError
from shared.media.audio_reader import AudioFile
from shared.media.audio_track import seconds_of
from shared.media.decoding import decoded
from shared.media.errors import AudioTooLongError, NotAudioError
from song_service.genre import genre_of

LONGEST_DECODING_SECONDS = 60.0
"""Silence compresses so well that a small file can take any time to decode."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """`duration` in whole seconds, rounded half up, at least 1; `genre` from the tags of the file."""

    duration: int
    genre: str | None


async def inspect_audio(path: Path, max_seconds: float) -> AudioFacts:
    """Returns the length and genre of the file.

    Raises:
        NotAudioError: it is no audio that can be decoded and transcoded, or it is damaged or truncated.
        AudioTooLongError: it is longer than `max_seconds`.
    """
    return await decoded(partial(_inspect, path, max_seconds))


def _inspect(path: Path, max_seconds: float) -> AudioFacts:
    try:
        with AudioFile(path) as file:
            audio_format, tags = file.format, file.tags()
            seconds = _checked_seconds(file, max_seconds)
    except AppError:
        raise
    except Exception as failure:
        # Any failure of a media library is caused by the file.
        log.warning("audio refused", error=type(failure).__name__)
        raise NotAudioError("The audio cannot be decoded") from failure
    return AudioFacts(max(1, _half_up(seconds)), genre_of(path, audio_format, tags))


def _checked_seconds(file: AudioFile, max_seconds: float) -> float:
    seconds = 0.0
    for piece in file.pieces(LONGEST_DECODING_SECONDS):
        seconds += seconds_of(piece)
        if seconds > max_seconds:
            raise AudioTooLongError(f"The audio is longer than {round(max_seconds / 60)} minutes")
    return seconds


def _half_up(seconds: float) -> int:
    """Sums of frame lengths have rounding errors below a microsecond."""
    return math.floor(round(seconds, 3) + 0.5)
