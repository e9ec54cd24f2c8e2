"""The songs and albums of the demo, as data. Titles are invented.

Songs of one album stand in the order in which they play.
"""

from dataclasses import dataclass
from typing import Literal

Genre = Literal["Ambient", "Electronic", "Folk", "Jazz"]
Container = Literal["wav", "flac", "mp3", "ogg"]

GENRES: tuple[Genre, ...] = ("Ambient", "Electronic", "Folk", "Jazz")


@dataclass(frozen=True, slots=True)
class Score:
    """What the synthesiser plays.

    `key` is a tonic and a mode ("F# minor"); `chords` are scale degrees counted from 1, one for each bar,
    repeated until the song ends after `seconds`; `bright` chooses a genre's brighter instruments where it has
    two sets.
    """

    key: str
    beats_per_minute: int
    chords: tuple[int, ...]
    seconds: int
    beats_per_bar: int = 4
    bright: bool = False


@dataclass(frozen=True, slots=True)
class Album:
    """`title` names the album: no two albums of the demo share one."""

    title: str
    artist_email: str
    genre: Genre
    is_public: bool = True


@dataclass(frozen=True, slots=True)
class Song:
    """`title` names the song: no two songs of the demo share one. `album` is an album's title."""

    title: str
    artist_email: str
    genre: Genre
    mood: str
    album: str | None
    container: Container
    score: Score
    is_public: bool = True
    is_visible: bool = True

    @property
    def is_listed(self) -> bool:
        """Whether everyone may see it."""
        return self.is_public and self.is_visible


NOVA = "nova@demo.local"
HARBOUR = "harbour@demo.local"
JUNIPER = "juniper@demo.local"
KETTLE = "kettle@demo.local"

ALBUMS = (
    Album("Neon Tides", NOVA, "Electronic"),
    Album("Last Tram Home", NOVA, "Electronic"),
    Album("Slow Weather", HARBOUR, "Ambient"),
    Album("Letters from the Orchard", JUNIPER, "Folk"),
    Album("Kitchen Demos", JUNIPER, "Folk", is_public=False),
    Album("Rain on Alder Street", KETTLE, "Jazz"),
)


def _neon(title: str, mood: str, container: Container, score: Score) -> Song:
    return Song(title, NOVA, "Electronic", mood, "Neon Tides", container, score)


def _tram(title: str, mood: str, container: Container, score: Score) -> Song:
    return Song(title, NOVA, "Electronic", mood, "Last Tram Home", container, score)


def _weather(title: str, mood: str, container: Container, score: Score) -> Song:
    return Song(title, HARBOUR, "Ambient", mood, "Slow Weather", container, score)


def _orchard(title: str, mood: str, container: Container, score: Score) -> Song:
    return Song(title, JUNIPER, "Folk", mood, "Letters from the Orchard", container, score)


def _alder(title: str, mood: str, container: Container, score: Score) -> Song:
    return Song(title, KETTLE, "Jazz", mood, "Rain on Alder Street", container, score)


SONGS = (
    _neon("Glass Elevator", "energetic", "flac", Score("A minor", 124, (1, 6, 3, 7), 42)),
    _neon("Velvet Static", "focused", "mp3", Score("F minor", 118, (1, 4, 6, 5), 42)),
    _neon("Run the Lights", "energetic", "wav", Score("D minor", 128, (6, 7, 1, 1), 42)),
    _tram("Pocket Comet", "playful", "flac", Score("C major", 132, (1, 5, 6, 4), 41, bright=True)),
    _tram("Midnight Arcade", "playful", "ogg", Score("E minor", 138, (1, 3, 6, 7), 41, bright=True)),
    _tram("Paper Satellites", "dreamy", "wav", Score("G minor", 120, (1, 7, 6, 7), 42)),
    Song(
        "Signal in the Drizzle",
        HARBOUR,
        "Electronic",
        "melancholy",
        None,
        "flac",
        Score("B minor", 116, (1, 6, 4, 5), 42),
    ),
    _weather("First Snow on Water", "calm", "wav", Score("D major", 60, (1, 6, 4, 5), 44)),
    _weather("Lantern Fog", "dreamy", "ogg", Score("F minor", 64, (1, 6, 3, 7), 43)),
    _weather("The Long Exhale", "calm", "wav", Score("C major", 56, (1, 4, 6, 4), 45)),
    _weather("Moss Cathedral", "focused", "flac", Score("G minor", 62, (1, 3, 6, 4), 44)),
    _weather("Half-Remembered Sea", "melancholy", "mp3", Score("A minor", 66, (6, 4, 1, 5), 43)),
    Song(
        "Sleeping Orchard",
        HARBOUR,
        "Ambient",
        "warm",
        None,
        "flac",
        Score("E major", 58, (1, 2, 4, 1), 44),
    ),
    Song(
        "Planetarium After Hours",
        NOVA,
        "Ambient",
        "dreamy",
        None,
        "flac",
        Score("Bb major", 68, (4, 1, 6, 5), 42),
    ),
    _orchard("Copper Creek", "warm", "wav", Score("G major", 96, (1, 5, 6, 4), 42)),
    _orchard("Barefoot in Clover", "playful", "mp3", Score("D major", 112, (1, 4, 1, 5), 42)),
    _orchard("Letters Home", "melancholy", "ogg", Score("E minor", 84, (1, 6, 3, 7), 43)),
    _orchard("The Ferryman's Daughter", "romantic", "wav", Score("A minor", 102, (1, 7, 6, 5), 42, 3)),
    _orchard("Wild Honey Road", "energetic", "flac", Score("C major", 118, (1, 4, 5, 1), 42)),
    Song(
        "Harvest Supper",
        KETTLE,
        "Folk",
        "warm",
        None,
        "flac",
        Score("F major", 92, (1, 6, 2, 5), 42),
    ),
    Song(
        "Untitled for Now",
        JUNIPER,
        "Folk",
        "calm",
        "Kitchen Demos",
        "wav",
        Score("D major", 88, (6, 4, 1, 5), 41),
        is_public=False,
    ),
    _alder("Corner Table", "focused", "wav", Score("Bb major", 124, (2, 5, 1, 6), 42)),
    _alder("Umbrella Waltz", "romantic", "mp3", Score("F major", 132, (1, 6, 2, 5), 42, 3)),
    _alder("Two Sugars", "playful", "wav", Score("C major", 144, (1, 6, 2, 5), 42)),
    _alder("Alley Cat Alibi", "energetic", "ogg", Score("G minor", 152, (1, 6, 2, 5), 42)),
    _alder("Streetlamp Serenade", "romantic", "flac", Score("Eb major", 104, (3, 6, 2, 5), 43)),
    Song(
        "Swing Low Tide",
        JUNIPER,
        "Jazz",
        "warm",
        None,
        "flac",
        Score("C minor", 116, (1, 4, 2, 5), 42),
    ),
    Song(
        "Outtake with Laughter",
        KETTLE,
        "Jazz",
        "playful",
        None,
        "flac",
        Score("D minor", 136, (2, 5, 1, 1), 41),
        is_visible=False,
    ),
)
