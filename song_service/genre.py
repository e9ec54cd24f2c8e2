"""The genre in an audio file's tags."""

import io
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError
from tinytag import TinyTag

from shared.media.declared_length import id3_size
from shared.media.formats import AudioFormat
from song_service.schemas import MAX_LABEL, Label

_LABEL: TypeAdapter[str] = TypeAdapter(Label)

WITH_ID3_CHUNK = frozenset({"WAV", "AIFF"})
WITH_ID3_BEFORE_THE_AUDIO = frozenset({"MP3", "AAC", "FLAC"})

log = structlog.stdlib.get_logger(__name__)


def genre_of(path: Path, audio_format: AudioFormat, tags: dict[str, str]) -> str | None:
    """The first genre of the file, cut to length; None when there is no valid one.

    `tags` are FFmpeg's. An ID3 tag is read here: FFmpeg reads a genre that begins with digits (`80s`) as an
    ID3v1 number, and most programs leave the ID3v1 number at its default.
    """
    try:
        tag = _id3_genre(path, audio_format.label)
    except Exception as failure:  # noqa: BLE001 - a tag that no library can read is no reason to refuse
        log.info("tags not read", error=type(failure).__name__)
        return None
    if tag is None:
        tag = tags.get("genre", "") if audio_format.label != "MP3" else ""
    try:
        return _LABEL.validate_python(tag.split(";")[0].strip()[:MAX_LABEL]) or None
    except ValidationError:
        return None


def _id3_genre(path: Path, label: str) -> str | None:
    """None: the file has no ID3v2 tag."""
    if label in WITH_ID3_CHUNK:
        return TinyTag.get(path, duration=False).genre or ""
    if label not in WITH_ID3_BEFORE_THE_AUDIO:
        return None
    with path.open("rb") as file:
        size = id3_size(file)
        if not size:
            return None
        return TinyTag.get("tag.mp3", file_obj=io.BytesIO(file.read(size)), duration=False).genre or ""
