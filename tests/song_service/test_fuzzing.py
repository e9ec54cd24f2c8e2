"""Files damaged at random: each is accepted or refused, soon, and what is accepted can be transcoded."""

import time
from pathlib import Path

from shared.errors import UnsupportedMediaError
from shared.media.audio_reader import AudioFile
from shared.media.audio_track import Silence
from shared.media.images import check_image
from shared.media.pcm import PcmConverter
from song_service.audio import inspect_audio
from tests.mutants import audio_files, image_files, mutants

AUDIO_COUNT, IMAGE_COUNT, SEED = 2000, 600, 7
LONGEST_SECONDS = 5.0
HOUR = 3600.0


def transcode(path: Path) -> float:
    """All that a transcoder does before it encodes; seconds of PCM."""
    converter, size = PcmConverter(44100, 1), 0
    with AudioFile(path) as file:
        for piece in file.pieces(LONGEST_SECONDS):
            pcm = converter.silence(piece.seconds) if isinstance(piece, Silence) else converter.convert(piece)
            size += len(pcm)
    return (size + len(converter.finish())) / 2 / 44100


async def test_damaged_audio_is_accepted_or_refused(tmp_path: Path) -> None:
    path, accepted = tmp_path / "mutant", 0
    for name, content in mutants(audio_files(), AUDIO_COUNT, SEED):
        path.write_bytes(content)
        began = time.thread_time()
        try:
            facts = await inspect_audio(path, HOUR)
        except UnsupportedMediaError:
            continue
        finally:
            assert time.thread_time() - began < LONGEST_SECONDS, name
        accepted += 1
        assert abs(transcode(path) - facts.duration) < 1, name
    assert AUDIO_COUNT * 0.2 < accepted < AUDIO_COUNT * 0.8


async def test_damaged_image_is_accepted_or_refused(tmp_path: Path) -> None:
    path, accepted = tmp_path / "mutant", 0
    for _, content in mutants(image_files(), IMAGE_COUNT, SEED):
        path.write_bytes(content)
        try:
            await check_image(path, 25_000_000)
        except UnsupportedMediaError:
            continue
        accepted += 1
    assert IMAGE_COUNT * 0.05 < accepted < IMAGE_COUNT * 0.8
