"""Audio files as people have them: what is accepted, and how long it is."""

import pytest

from shared.media.errors import NotAudioError
from song_service.audio import AudioFacts, inspect_audio
from tests.real_files_table import ACCEPTED, FOLDER, REFUSED

HOUR = 3600.0


@pytest.mark.parametrize("name", ACCEPTED)
async def test_real_file_is_accepted(name: str) -> None:
    expected = ACCEPTED[name]
    assert await inspect_audio(FOLDER / name, HOUR) == AudioFacts(expected.seconds, expected.genre)


@pytest.mark.parametrize("name", REFUSED)
async def test_unknown_codec_is_refused_with_formats(name: str) -> None:
    with pytest.raises(NotAudioError, match=f"{REFUSED[name]}. Supported formats: MP3, M4A, .* or CAF"):
        await inspect_audio(FOLDER / name, HOUR)
