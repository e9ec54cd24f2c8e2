"""Which audio is accepted, decided by decoding it."""

import asyncio
import subprocess
import threading
from pathlib import Path

import imageio_ffmpeg
import pytest

from shared.media.decoding import decoded
from shared.media.errors import AudioTooLongError, NotAudioError
from song_service import audio
from song_service.audio import AudioFacts, inspect_audio

HOUR = 3600.0


def made(path: Path, *options: str, seconds: float = 6, source: str = "sine=440") -> Path:
    """A tone as the file that `path` is named for."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "lavfi"]
    subprocess.run(
        [*command, "-i", f"{source}:duration={seconds}", *options, str(path)], check=True, timeout=60
    )
    return path


def cut(path: Path, share: float = 0.7) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.flac", "a.ogg", "a.opus", "a.m4a", "a.aiff"])
async def test_duration_and_genre_are_read_from_the_audio(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / name, "-metadata", "genre=Jazz")
    facts = await inspect_audio(path, HOUR)
    assert facts.duration == 6
    assert facts.genre == (None if name.endswith("aiff") else "Jazz")


@pytest.mark.parametrize(
    ("tag", "genre"),
    [
        ("Ja\nzz", None),
        ("\x1b[31mRed", None),
        ("\u200b", None),
        ("  ; Jazz", None),
        (" Free Jazz ; Soul", "Free Jazz"),
        ("J" * 49 + " azz", "J" * 49),
    ],
)
async def test_invalid_genre_tag_is_ignored(tmp_path: Path, tag: str, genre: str | None) -> None:
    path = made(tmp_path / "a.mp3", "-metadata", f"genre={tag}", seconds=1)
    assert (await inspect_audio(path, HOUR)).genre == genre


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.flac", "a.m4a", "a.aiff"])
async def test_truncated_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotAudioError):
        await inspect_audio(cut(made(tmp_path / name)), HOUR)


QUIET_BEGINNING = "aevalsrc=if(lt(t\\,4)\\,0.0001*sin(440*t)\\,0.5*random(0))"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", ["-q:a", "2", "-write_xing", "0", "-id3v2_version", "0"]),
        ("a.mp3", ["-q:a", "2", "-write_xing", "0", "-metadata", "title=Slow start"]),
        ("a.aac", ["-b:a", "128k"]),
    ],
)
async def test_missing_duration_is_measured(tmp_path: Path, name: str, options: list[str]) -> None:
    path = made(tmp_path / name, *options, seconds=12, source=QUIET_BEGINNING)
    assert (await inspect_audio(path, HOUR)).duration == 12


async def test_concatenated_recordings_are_accepted(tmp_path: Path) -> None:
    jingle = made(tmp_path / "a.mp3", "-b:a", "32k", "-write_xing", "0", seconds=3)
    song = made(tmp_path / "b.mp3", "-b:a", "320k", "-write_xing", "0", seconds=9)
    jingle.write_bytes(jingle.read_bytes() + song.read_bytes())
    assert (await inspect_audio(jingle, HOUR)).duration == 12


@pytest.mark.parametrize("tail", [b"TAG" + b"\0" * 125, b"\0" * 3000])
async def test_trailing_bytes_are_ignored(tmp_path: Path, tail: bytes) -> None:
    path = made(tmp_path / "a.mp3")
    path.write_bytes(path.read_bytes() + tail)
    assert await inspect_audio(path, HOUR) == AudioFacts(6, None)


async def test_playlist_is_not_followed(tmp_path: Path) -> None:
    made(tmp_path / "secret.wav")
    playlist = tmp_path / "list.mp3"
    playlist.write_text(f"ffconcat version 1.0\nfile {tmp_path / 'secret.wav'}\n")
    with pytest.raises(NotAudioError):
        await inspect_audio(playlist, HOUR)


async def test_video_is_not_audio(tmp_path: Path) -> None:
    film = made(tmp_path / "a.mp4", source="testsrc=size=64x64:rate=10", seconds=1)
    with pytest.raises(NotAudioError):
        await inspect_audio(film, HOUR)


async def test_too_long_audio_is_refused_early(tmp_path: Path) -> None:
    with pytest.raises(AudioTooLongError):
        await inspect_audio(made(tmp_path / "a.flac", seconds=30), 10)


async def test_excessive_sample_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAudioError, match="kHz"):
        await inspect_audio(made(tmp_path / "a.flac", "-ar", "384000", seconds=1), HOUR)


async def test_decoding_has_a_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "LONGEST_DECODING_SECONDS", 0)
    with pytest.raises(NotAudioError, match="too long to decode"):
        await inspect_audio(made(tmp_path / "a.flac"), HOUR)


async def test_decoding_does_not_block_name_resolution() -> None:
    """asyncio looks up host names in its own threads, which are few."""
    done = threading.Event()
    busy = [asyncio.create_task(decoded(done.wait)) for _ in range(100)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(30):
            found = await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    finally:
        done.set()
        await asyncio.gather(*busy)
    assert found
