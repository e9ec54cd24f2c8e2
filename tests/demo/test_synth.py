"""The songs are measured, as nobody listens in a test run."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from statistics import median

import numpy as np
import pytest

from embedded.demo.bars import phrase_seconds
from embedded.demo.content import DEMO
from embedded.demo.harmony import Key, close_voicing, hertz
from embedded.demo.mix import SAMPLE_RATE, Mix, Sound
from embedded.demo.songs import GENRES, Genre, Song
from embedded.demo.strings import plucked_string
from embedded.demo.synth import synthesise
from embedded.demo.tones import electric_piano, oscillator, upright_bass, vibraphone

SAMPLE = tuple(song for genre in GENRES for song in [s for s in DEMO.songs if s.genre == genre][:2])


@cache
def sound_of(song: Song) -> Sound:
    return synthesise(song)


def dbfs(sound: Sound) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(sound))) + 1e-9))


def spectral_centroid_hertz(sound: Sound) -> float:
    """Where the middle of the spectrum's strength lies: how bright it sounds."""
    strength = np.abs(np.fft.rfft(sound.mean(axis=0)))
    return float((strength * np.fft.rfftfreq(sound.shape[1], 1 / SAMPLE_RATE)).sum() / strength.sum())


def cents_off(sound: Sound, note: int) -> float:
    """How far the strongest partial within half an octave of a note is from it; 100 cents are a semitone."""
    strength = np.abs(np.fft.rfft(sound * np.hanning(sound.shape[0]), 1 << 20))
    frequencies = np.arange(strength.shape[0]) * (SAMPLE_RATE / (1 << 20))
    strength[(frequencies < hertz(note - 6)) | (frequencies > hertz(note + 6))] = 0
    return abs(float(1200 * np.log2(frequencies[strength.argmax()] / hertz(note))))


def strokes_per_second(sound: Sound) -> float:
    """How often high frequencies set in, as at the stroke of a drum or the pluck of a string."""
    treble = np.abs(np.diff(sound.mean(axis=0)))
    frame = SAMPLE_RATE // 50
    level = treble[: treble.shape[0] // frame * frame].reshape(-1, frame).mean(axis=1)
    rises = np.diff(level) > 0.5 * level.mean()
    return float((rises[1:] & ~rises[:-1]).sum() * SAMPLE_RATE / sound.shape[1])


@pytest.mark.parametrize("song", SAMPLE, ids=lambda song: song.title)
def test_song_is_stereo_with_the_scored_duration(song: Song) -> None:
    sound = sound_of(song)
    assert sound.shape == (2, song.score.seconds * SAMPLE_RATE)
    assert np.abs(sound[0] - sound[1]).max() > 0.01


@pytest.mark.parametrize("song", SAMPLE, ids=lambda song: song.title)
def test_song_is_loud_and_never_clips(song: Song) -> None:
    sound = sound_of(song)
    assert 0.3 < np.abs(sound).max() < 0.98
    assert -22 < dbfs(sound) < -12
    assert abs(float(sound.mean())) < 0.01


@pytest.mark.parametrize("song", SAMPLE, ids=lambda song: song.title)
def test_song_is_silent_only_at_its_ends(song: Song) -> None:
    sound = sound_of(song)
    assert np.abs(sound[:, :3]).max() < 0.001
    assert np.abs(sound[:, -3:]).max() < 0.001
    for second in range(1, song.score.seconds - 2):
        assert dbfs(sound[:, second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE]) > -35


def test_synthesis_is_deterministic() -> None:
    for song in SAMPLE[::2]:
        assert np.array_equal(sound_of(song), synthesise(song))


def test_songs_of_one_score_and_two_titles_differ() -> None:
    for song in SAMPLE[::2]:
        assert not np.array_equal(sound_of(song), synthesise(replace(song, title="Another Title")))


def test_genres_differ_in_brightness() -> None:
    brightness = {
        genre: median(spectral_centroid_hertz(sound_of(song)) for song in SAMPLE if song.genre == genre)
        for genre in GENRES
    }
    order: list[Genre] = ["Ambient", "Jazz", "Folk", "Electronic"]
    for duller, brighter in pairwise(order):
        assert brightness[brighter] > 1.3 * brightness[duller]


def test_only_ambient_songs_lack_strokes() -> None:
    for song in SAMPLE:
        strokes = strokes_per_second(sound_of(song))
        assert strokes < 0.9 if song.genre == "Ambient" else strokes > 1.3, song.title


@pytest.mark.parametrize("note", [28, 45, 60, 69, 81, 88])
def test_plucked_string_is_in_tune(note: int) -> None:
    assert cents_off(plucked_string(note, 2.0, bright_hertz=1_000), note) < 3


@pytest.mark.parametrize("instrument", [electric_piano, upright_bass])
def test_bass_and_piano_are_in_tune(instrument: Callable[[int, float], Sound]) -> None:
    assert cents_off(instrument(57, 1.0), 57) < 3


def test_vibraphone_decays() -> None:
    sound = vibraphone(72)
    assert dbfs(sound[: SAMPLE_RATE // 5]) > dbfs(sound[-SAMPLE_RATE // 5 :]) + 20


@pytest.mark.parametrize("timbre", ["saw", "pulse", "triangle", "mellow"])
def test_high_notes_do_not_alias(timbre: str) -> None:
    sound = oscillator(timbre, 3_000, 1.0)
    strength = np.abs(np.fft.rfft(sound * np.hanning(sound.shape[0])))
    of_the_note = np.zeros(strength.shape, dtype=bool)
    for partial in range(3_000, 22_050, 3_000):
        of_the_note[partial - 20 : partial + 20] = True
    assert strength[~of_the_note].max() < 0.003 * strength.max()


def test_keys_and_chords_match_music_theory() -> None:
    assert Key.named("A minor").chord(1) == (9, 0, 4)
    assert Key.named("C major").chord(5, size=4) == (7, 11, 2, 5)
    assert Key.named("Bb major").chord(2) == (0, 3, 7)
    assert Key.named("C minor").chord(5, size=4) == (7, 11, 2, 5)
    assert Key.named("F# minor").note(0, 4) == 66
    assert Key.named("C major").note(-1, 4) == 59
    assert close_voicing((9, 0, 4), 60) == (60, 64, 69)


def test_late_sound_wraps_to_the_loop_start() -> None:
    mix = Mix(1.0)
    mix.play(np.ones(SAMPLE_RATE // 2, dtype=np.float32), 0.75, pan=-1)
    assert mix.samples[0].sum() == pytest.approx(SAMPLE_RATE / 2)
    assert mix.samples[0, : SAMPLE_RATE // 4].all()
    assert not mix.samples[0, SAMPLE_RATE // 4 : SAMPLE_RATE * 3 // 4].any()
    assert mix.samples[1].sum() == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("song", SAMPLE, ids=lambda song: song.title)
def test_phrases_join_without_clicks(song: Song) -> None:
    """A click is a step between two samples that the sound itself never makes."""
    sound = sound_of(song)
    steps = np.abs(np.diff(sound, axis=1)).max(axis=0)
    phrase = phrase_seconds(song.score)
    for count in range(1, int(song.score.seconds / phrase) + 1):
        join = round(count * phrase * SAMPLE_RATE)
        around = np.r_[steps[join - 2000 : join - 50], steps[join + 50 : join + 2000]]
        assert steps[join - 50 : join + 50].max(initial=0) < max(0.25, 2.5 * around.max(initial=0))
