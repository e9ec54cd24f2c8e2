"""The people of the demo: an admin, the artists, and listeners of two tastes with what they listened to.

Listeners of the "night" taste play Electronic and Ambient songs, those of the "fireside" taste Folk and Jazz;
each leaves songs of their own taste unplayed (there must be something to recommend) and skipped one of the
other's.
"""

from dataclasses import dataclass
from typing import Literal

from embedded.demo.songs import HARBOUR, JUNIPER, KETTLE, NOVA, Genre

Outcome = Literal["play", "complete", "skip"]
Taste = Literal["night", "fireside"]

TASTE_GENRES: dict[Taste, frozenset[Genre]] = {
    "night": frozenset(("Electronic", "Ambient")),
    "fireside": frozenset(("Folk", "Jazz")),
}


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    full_name: str


@dataclass(frozen=True, slots=True)
class Listen:
    """One interaction with a song, by title: started (`play`), completed, or skipped."""

    song: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Listener(Person):
    """`history` is oldest first."""

    taste: Taste
    history: tuple[Listen, ...]


@dataclass(frozen=True, slots=True)
class Playlist:
    """A private album that listeners arrange together and share by link: songs by title, people by e-mail."""

    title: str
    creator_email: str
    friend_emails: tuple[str, ...]
    genre: Genre
    songs: tuple[str, ...]


ADMIN = Person("admin@demo.local", "Ada Admin")

ARTISTS = (
    Person(NOVA, "Nova Lumen"),
    Person(HARBOUR, "Pale Harbour"),
    Person(JUNIPER, "Juniper Vale"),
    Person(KETTLE, "The Blue Kettle Trio"),
)


def _history(
    completed: tuple[str, ...], played: tuple[str, ...] = (), skipped: tuple[str, ...] = ()
) -> tuple[Listen, ...]:
    return (
        *(Listen(title, "skip") for title in skipped),
        *(Listen(title, "play") for title in played),
        *(Listen(title, "complete") for title in completed),
    )


def _night(number: int, full_name: str, *history: tuple[str, ...]) -> Listener:
    return Listener(f"listener{number}@demo.local", full_name, "night", _history(*history))


def _fireside(number: int, full_name: str, *history: tuple[str, ...]) -> Listener:
    return Listener(f"listener{number}@demo.local", full_name, "fireside", _history(*history))


LISTENERS = (
    _night(
        1,
        "Mira Okafor",
        ("Glass Elevator", "Run the Lights", "Pocket Comet", "Lantern Fog", "Moss Cathedral"),
        ("Velvet Static", "First Snow on Water"),
        ("Copper Creek",),
    ),
    _night(
        2,
        "Jonas Lindqvist",
        ("Glass Elevator", "Midnight Arcade", "Paper Satellites", "Lantern Fog", "Half-Remembered Sea"),
        ("Run the Lights", "The Long Exhale"),
        ("Umbrella Waltz",),
    ),
    _night(
        3,
        "Priya Raman",
        (
            "Glass Elevator",
            "Run the Lights",
            "Velvet Static",
            "First Snow on Water",
            "Planetarium After Hours",
        ),
        ("Paper Satellites", "Moss Cathedral", "Signal in the Drizzle"),
        ("Barefoot in Clover",),
    ),
    _night(
        4,
        "Theo Marchetti",
        ("Glass Elevator", "Pocket Comet", "Midnight Arcade", "Lantern Fog", "The Long Exhale"),
        ("Half-Remembered Sea", "Run the Lights"),
        ("Alley Cat Alibi",),
    ),
    _night(
        5,
        "Hana Sato",
        ("Lantern Fog", "First Snow on Water", "Moss Cathedral", "Sleeping Orchard", "Paper Satellites"),
        ("Glass Elevator", "Planetarium After Hours"),
        ("Wild Honey Road", "Two Sugars"),
    ),
    _fireside(
        6,
        "Oskar Brandt",
        ("Copper Creek", "Letters Home", "Wild Honey Road", "Corner Table", "Two Sugars"),
        ("Barefoot in Clover", "Umbrella Waltz"),
        ("Run the Lights",),
    ),
    _fireside(
        7,
        "Leila Haddad",
        ("Copper Creek", "Corner Table", "Umbrella Waltz", "Streetlamp Serenade", "Letters Home"),
        ("The Ferryman's Daughter", "Swing Low Tide"),
        ("Midnight Arcade",),
    ),
    _fireside(
        8,
        "Sam Whitlock",
        (
            "Copper Creek",
            "Barefoot in Clover",
            "Wild Honey Road",
            "The Ferryman's Daughter",
            "Harvest Supper",
        ),
        ("Corner Table", "Alley Cat Alibi"),
        ("Velvet Static", "Lantern Fog"),
    ),
    _fireside(
        9,
        "Inês Duarte",
        ("Corner Table", "Two Sugars", "Alley Cat Alibi", "Streetlamp Serenade", "Swing Low Tide"),
        ("Copper Creek", "Harvest Supper"),
        ("Pocket Comet",),
    ),
    _fireside(
        10,
        "Fergus Byrne",
        ("Copper Creek", "Letters Home", "Umbrella Waltz", "Two Sugars", "Barefoot in Clover"),
        ("Streetlamp Serenade", "Wild Honey Road"),
        ("Moss Cathedral",),
    ),
)


PLAYLISTS = (
    Playlist(
        "Windows at night",
        "listener1@demo.local",
        ("listener2@demo.local", "listener3@demo.local"),
        "Ambient",
        ("Glass Elevator", "Lantern Fog", "Moss Cathedral", "Pocket Comet"),
    ),
)
