"""What is uploaded are real files of their containers, with tags, and as long as the song."""

import io
from typing import get_args

import av
import numpy as np
import pytest

from embedded.demo.content import DEMO
from embedded.demo.encoding import content_type, encode
from embedded.demo.mix import SAMPLE_RATE, Sound
from embedded.demo.songs import Container
from embedded.demo.studio import record

CONTAINERS: tuple[Container, ...] = get_args(Container)
TAGS = {"title": "Half-Remembered Sea", "artist": "Inês & the Øthers", "genre": "Ambient"}
SECONDS = 3


def beep() -> Sound:
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * np.array([[440], [660]]) * time)).astype(np.float32)


@pytest.mark.parametrize("container", CONTAINERS)
def test_file_keeps_duration_and_level(container: Container) -> None:
    with av.open(io.BytesIO(encode(beep(), container, TAGS)), "r") as file:
        frames = list(file.decode(audio=0))
    seconds = sum(frame.samples / frame.sample_rate for frame in frames)
    assert seconds == pytest.approx(SECONDS, abs=0.06)
    middle = frames[len(frames) // 2]
    samples = middle.to_ndarray().astype(np.float64)
    full_scale = 1.0 if "flt" in middle.format.name else 32_768.0
    assert np.abs(samples).max() / full_scale == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("container", CONTAINERS)
def test_file_carries_its_tags(container: Container) -> None:
    with av.open(io.BytesIO(encode(beep(), container, TAGS)), "r") as file:
        found = {name.lower(): value for name, value in file.streams.audio[0].metadata.items()}
        found |= {name.lower(): value for name, value in file.metadata.items()}
        assert file.duration == pytest.approx(SECONDS * av.time_base, abs=0.06 * av.time_base)
    assert {name: found[name] for name in TAGS} == TAGS


@pytest.mark.parametrize(
    ("container", "magic"), [("wav", b"RIFF"), ("flac", b"fLaC"), ("mp3", b"ID3"), ("ogg", b"OggS")]
)
def test_file_has_its_container_format(container: Container, magic: bytes) -> None:
    assert encode(beep(), container, TAGS).startswith(magic)
    assert content_type(container).startswith("audio/")


@pytest.mark.parametrize("container", CONTAINERS)
def test_encoding_is_deterministic(container: Container) -> None:
    assert encode(beep(), container, TAGS) == encode(beep(), container, TAGS)


def test_recording_is_tagged_with_artist_and_album() -> None:
    song = next(song for song in DEMO.songs if song.title == "Pocket Comet")
    recording = record(song, "Nova Lumen")
    with av.open(io.BytesIO(recording.audio), "r") as file:
        tags = {name.lower(): value for name, value in file.metadata.items()}
        assert file.duration == song.score.seconds * av.time_base
    assert tags["title"] == "Pocket Comet"
    assert tags["artist"] == "Nova Lumen"
    assert tags["album"] == "Last Tram Home"
    assert recording.audio_file_name == "Pocket Comet.flac"
    assert recording.audio_content_type == "audio/flac"
