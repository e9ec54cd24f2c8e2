"""Errors of uploaded media. Each states the reason and the supported formats."""

from shared.errors import InvalidError, UnsupportedMediaError
from shared.media.formats import SUPPORTED_AUDIO, SUPPORTED_IMAGES


class NotAudioError(UnsupportedMediaError):
    """Not audio that can be decoded and transcoded."""

    code = "not_audio"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. Supported formats: {SUPPORTED_AUDIO}")


class UndecodableTrackError(NotAudioError):
    """Nothing of this track can be decoded; another track of the file may be decodable."""


class AudioTooLongError(InvalidError):
    """Longer than the limit."""

    code = "audio_too_long"


class NotAnImageError(UnsupportedMediaError):
    """Not an image that can be decoded to its end, or too many pixels."""

    code = "not_an_image"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. Supported formats: {SUPPORTED_IMAGES}")
