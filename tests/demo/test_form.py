"""How a loop of two layers becomes a whole song."""

import numpy as np
import pytest

from embedded.demo.form import Loop, form, played
from embedded.demo.mix import SAMPLE_RATE, Sound

SECONDS = 9.5


def tone(hertz: float) -> Sound:
    """Two seconds, the same on both sides."""
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    return np.tile(0.1 * np.sin(2 * np.pi * hertz * time), (2, 1)).astype(np.float32)


def level_of(sound: Sound, hertz: float) -> float:
    """How strong a tone is in a piece of a second or more."""
    spectrum = np.abs(np.fft.rfft(sound[0] * np.hanning(sound.shape[1]))) / sound.shape[1]
    return float(spectrum[round(hertz * sound.shape[1] / SAMPLE_RATE)])


@pytest.fixture
def phrases() -> list[Sound]:
    """Of a song of 9.5 seconds: four whole phrases of two seconds, and one that is cut short."""
    song = played(Loop(tone(200), tone(1000), phrases=1), SECONDS)
    assert song.shape == (2, round(SECONDS * SAMPLE_RATE))
    return [song[:, start : start + 2 * SAMPLE_RATE] for start in range(0, 10 * SAMPLE_RATE, 2 * SAMPLE_RATE)]


def test_song_begins_with_the_accompaniment_alone(phrases: list[Sound]) -> None:
    assert level_of(phrases[0], 200) > 100 * level_of(phrases[0], 1000)
    assert level_of(phrases[1], 1000) == pytest.approx(level_of(phrases[1], 200), rel=0.1)


def test_accompaniment_is_quieter_before_the_end(phrases: list[Sound]) -> None:
    assert len(list(form(5))) == len(phrases) == 5
    assert level_of(phrases[2], 200) < 0.5 * level_of(phrases[2], 1000)
    assert level_of(phrases[3], 200) == pytest.approx(level_of(phrases[3], 1000), rel=0.1)


def test_phrases_of_a_loop_follow_each_other() -> None:
    first, second = tone(200)[:, :SAMPLE_RATE], tone(300)[:, :SAMPLE_RATE]
    loop = Loop(np.concatenate((first, second), axis=1), tone(1000) * 0, phrases=2)
    song = played(loop, 4.0)
    for index, hertz in enumerate((200, 300, 200, 300)):
        part = song[:, index * SAMPLE_RATE : (index + 1) * SAMPLE_RATE]
        assert level_of(part, hertz) > 10 * level_of(part, 500 - hertz)
