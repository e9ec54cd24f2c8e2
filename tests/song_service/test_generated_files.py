"""Generated files of the kinds in tests/real_files: what players play is accepted, what is broken is not."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.media.errors import NotAudioError
from song_service.audio import inspect_audio
from tests.generated_files import (
    SECONDS,
    changed,
    make,
    make_with_pictures,
    with_broken_packets,
    with_channel_mask,
    with_chunk_size,
    with_samples,
)

HOUR = 3600.0
OGG = ("-c:a", "libvorbis")
TAILS = {
    "ID3v1": b"TAG" + b"\0" * 125,
    "zeros": b"\0" * 5000,
    "APE tag": b"APETAGEX\xd0\x07\0\0" + b"x" * 20_000,
    "Lyrics3 tag": b"LYRICSBEGIN" + b"IND00002" * 60 + b"000491LYRICS200",
}
NAN, INFINITY = float("nan"), float("inf")


async def seconds_of(path: Path) -> int:
    return (await inspect_audio(path, HOUR)).duration


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.flac", "a.m4a", "a.aac", "a.ogg", "a.webm", "a.aiff"])
async def test_bytes_after_the_audio_are_ignored(tmp_path: Path, name: str, tail: str) -> None:
    path = changed(make(tmp_path / name, seconds=1), lambda content: content + TAILS[tail])
    assert await seconds_of(path) == 1


@pytest.mark.parametrize(
    ("chunk", "difference"),
    [
        *[(b"RIFF", difference) for difference in (-8, -1, 1, 8, 36, None)],
        *[(b"data", difference) for difference in (-2, -1, 1, 2, 3, 20_000, None)],
    ],
)
async def test_wrong_wav_sizes_are_tolerated(tmp_path: Path, chunk: bytes, difference: int | None) -> None:
    path = changed(make(tmp_path / "a.wav"), lambda content: with_chunk_size(content, chunk, difference))
    assert await seconds_of(path) == SECONDS


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.w64", "a.flac", "a.aiff", "a.caf", "a.mka"])
@pytest.mark.parametrize("options", [(), ("-ac", "2")])
async def test_file_ends_at_most_5_percent_early(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    whole = make(tmp_path / name, *options).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * 0.97)])
    assert await seconds_of(tmp_path / name) == SECONDS
    (tmp_path / name).write_bytes(whole[: int(len(whole) * 0.93)])
    with pytest.raises(NotAudioError, match="incomplete"):
        await seconds_of(tmp_path / name)


@pytest.mark.parametrize("front", [True, False])
async def test_truncated_m4a_is_refused(tmp_path: Path, front: bool) -> None:
    """Wherever its index is."""
    path = make(tmp_path / "a.m4a", "-movflags", "faststart" if front else "0")
    with pytest.raises(NotAudioError):
        await seconds_of(changed(path, lambda content: content[: int(len(content) * 0.9)]))


@pytest.mark.parametrize("seconds", [0.5, 1.5, 2.5, 3.5])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a", "a.ogg", "a.opus", "a.webm"])
async def test_duration_is_rounded_half_up(tmp_path: Path, name: str, seconds: float) -> None:
    assert await seconds_of(make(tmp_path / name, seconds=seconds)) == int(seconds + 0.5)


@pytest.mark.parametrize("name", ["a.m4a", "a.ogg", "a.opus", "a.webm", "a.mka"])
@pytest.mark.parametrize("offset", [2, 600])
async def test_timestamps_may_start_late(tmp_path: Path, name: str, offset: int) -> None:
    assert await seconds_of(make(tmp_path / name, "-output_ts_offset", str(offset))) == SECONDS


@pytest.mark.parametrize("name", ["a.m4a", "a.ogg", "a.webm", "a.mka"])
async def test_gap_in_timestamps_is_silence(tmp_path: Path, name: str) -> None:
    pause = "asetpts='PTS+if(gt(T,3),2/TB,0)'"
    assert await seconds_of(make(tmp_path / name, "-af", pause)) == SECONDS + 2


@pytest.mark.parametrize("name", ["a.mp3", "a.aac", "a.ogg", "a.opus", "a.flac"])
async def test_joined_files_are_accepted(tmp_path: Path, name: str) -> None:
    second = make(tmp_path / f"second-{name}", "-metadata", "title=Second", seconds=3).read_bytes()
    path = changed(make(tmp_path / name, seconds=3), lambda content: content + second)
    assert await seconds_of(path) == SECONDS


@pytest.mark.parametrize("swapped", [True, False])
async def test_joined_files_may_differ_in_rate_and_channels(tmp_path: Path, swapped: bool) -> None:
    parts = [
        make(tmp_path / "mono.mp3", "-ar", "22050", "-ac", "1", "-b:a", "32k", seconds=3).read_bytes(),
        make(tmp_path / "stereo.mp3", "-ac", "2", "-b:a", "320k", seconds=3).read_bytes(),
    ]
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(b"".join(reversed(parts) if swapped else parts))
    assert await seconds_of(joined) == SECONDS


async def test_cover_between_joined_files_is_no_damage(tmp_path: Path) -> None:
    second = make_with_pictures(tmp_path / "b.mp3", 1, "-c:v", "mjpeg", "-q:v", "1").read_bytes()
    path = changed(make(tmp_path / "a.mp3", "-write_id3v1", "1"), lambda content: content + second)
    assert await seconds_of(path) == 2 * SECONDS


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", ["-c:v", "libx264"]),
        ("a.mov", ["-c:v", "mjpeg"]),
        ("a.m4a", ["-c:v", "mjpeg", "-disposition:v", "attached_pic"]),
        ("a.mkv", ["-c:v", "mjpeg"]),
        ("a.webm", ["-c:v", "libvpx"]),
        ("a.ogg", ["-c:v", "libtheora"]),
    ],
)
async def test_single_picture_is_cover_art(tmp_path: Path, name: str, options: list[str]) -> None:
    assert await seconds_of(make_with_pictures(tmp_path / name, 1, *options)) == SECONDS


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "mjpeg"), ("a.webm", "libvpx"), ("a.ogg", "libtheora")],
)
@pytest.mark.parametrize("pictures", [2, 6])
async def test_video_is_refused(tmp_path: Path, name: str, codec: str, pictures: int) -> None:
    with pytest.raises(NotAudioError, match="Videos are not supported"):
        await seconds_of(make_with_pictures(tmp_path / name, pictures, "-c:v", codec))


@pytest.mark.parametrize(("channels", "mask"), [(3, 0x3F000), (5, 0x7C0000), (8, 0x3FC00000), (6, 1)])
async def test_unknown_channel_layout_is_accepted(tmp_path: Path, channels: int, mask: int) -> None:
    path = make(tmp_path / "a.wav", "-ac", str(channels), "-c:a", "pcm_s24le")
    assert await seconds_of(changed(path, lambda content: with_channel_mask(content, mask))) == SECONDS


@pytest.mark.parametrize(("codec", "layout"), [("pcm_f32le", "<f"), ("pcm_f64le", "<d")])
@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY, 1e30])
async def test_sample_that_is_no_number_is_accepted(
    tmp_path: Path, codec: str, layout: str, value: float
) -> None:
    path = make(tmp_path / "a.wav", "-c:a", codec)
    assert await seconds_of(changed(path, lambda old: with_samples(old, struct.pack(layout, value)))) == 6


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.m4a", []),
        ("a.m4a", ["-c:a", "alac"]),
        ("a.flac", []),
        ("a.mp3", ["-b:a", "128k"]),
        ("a.wav", ["-c:a", "adpcm_ms"]),
    ],
)
async def test_few_broken_packets_are_tolerated(tmp_path: Path, name: str, options: list[str]) -> None:
    noise = "aevalsrc=0.3*sin(2*PI*440*t)+0.2*random(0)"
    path = make(tmp_path / name, *options, seconds=20, source=noise)
    whole = path.read_bytes()
    assert await seconds_of(with_broken_packets(path, 0.02)) == 20
    path.write_bytes(whole)
    with pytest.raises(NotAudioError, match="damaged"):
        await seconds_of(with_broken_packets(path, 0.3))


@pytest.mark.parametrize(
    ("name", "options", "change"),
    [
        ("a.wav", [], lambda content: content[:20] + b"\x34\x12" + content[22:]),
        ("a.mka", ["-c:a", "flac"], lambda content: content.replace(b"A_FLAC", b"A_XXXX")),
        ("a.m4a", ["-c:a", "alac"], lambda content: content.replace(b"alac", b"xlac")),
    ],
)
async def test_unknown_codec_is_refused(
    tmp_path: Path, name: str, options: list[str], change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(NotAudioError, match="codec is not supported"):
        await seconds_of(changed(make(tmp_path / name, *options), change))


async def test_first_track_that_decodes_is_used(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mka", "-map", "0", "-map", "0", "-c:a:0", "flac", "-c:a:1", "libopus")
    assert await seconds_of(changed(path, lambda content: content.replace(b"A_FLAC", b"A_XXXX"))) == SECONDS


@pytest.mark.parametrize("genre", ["80s", "60s Pop", "4/4 House"])
@pytest.mark.parametrize("name", ["a.mp3", "a.aiff", "a.flac", "a.m4a", "a.ogg", "a.mka", "a.wav"])
async def test_genre_is_the_text_of_the_tag(tmp_path: Path, name: str, genre: str) -> None:
    options = ["-write_id3v2", "1"] if name == "a.aiff" else []
    path = make(tmp_path / name, *options, "-metadata", f"genre={genre}", seconds=1)
    assert (await inspect_audio(path, HOUR)).genre == genre


async def test_genre_number_of_id3v1_is_ignored(tmp_path: Path) -> None:
    path = changed(
        make(tmp_path / "a.mp3", "-id3v2_version", "0", seconds=1),
        lambda content: content + b"TAG" + b"\0" * 125,
    )
    assert (await inspect_audio(path, HOUR)).genre is None


async def test_wma_is_refused_with_the_formats(tmp_path: Path) -> None:
    with pytest.raises(NotAudioError, match=r"not a supported audio file.*MP3, M4A"):
        await seconds_of(make(tmp_path / "a.wma", seconds=1))
