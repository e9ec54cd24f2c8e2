"""A catalogue for measurements, written into the databases as the services themselves would write it."""

import contextlib
import random
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pymongo

from album_service import repository as albums
from album_service.domain import Album
from bench.system import System, Tokens
from embedded.sqlite import albums as album_rows
from embedded.sqlite import songs as song_rows
from embedded.sqlite import statements
from embedded.sqlite import users as user_rows
from embedded.sqlite.database import Value
from shared.access.permissions import Role
from shared.ports import StoredAudio, StoredImage
from song_service import repository as songs
from song_service.domain import Song
from user_service import repository as users
from user_service.domain import User

LISTENERS = 500
ALBUMS = 200
SONGS_PER_ALBUM = 12
UNSENT_SONGS = 2_000
"""How many songs the outbox sends to the engine. The measurements do not need all of them there."""

_BATCH = 2_000
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS = (
    *("Amber", "Blue", "Cold", "Dawn", "Echo", "Field", "Glass", "Harbour", "Iron", "June", "Kite", "Light"),
    *("Moon", "Night", "Ocean", "Paper", "Quiet", "River", "Silver", "Thunder", "Under", "Velvet", "Winter"),
    *("Yellow", "Zero", "Golden", "Little", "Morning", "Summer", "Broken"),
)
_GENRES = ("Rock", "Jazz", "Electronic", "Folk", "Ambient", "Pop")


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a load may request. Tokens are those of `LISTENERS` users, of an artist and of an admin."""

    song_ids: list[str]
    album_ids: list[str]
    listener_tokens: list[str]
    artist_token: str
    admin_token: str


def _id(kind: int, number: int) -> str:
    return f"{kind:08x}{number:016x}"


def _users(tokens: Tokens) -> tuple[list[User], list[str]]:
    roles = [Role.ARTIST, Role.ADMIN, *[Role.USER] * LISTENERS]
    people = [
        User(
            id=_id(1, number),
            clerk_id=f"user_bench{number}",
            full_name=f"{_WORDS[number % len(_WORDS)]} Person {number}",
            email=f"person{number}@bench.test",
            image_url="https://img.bench.test/avatar.png",
            role=role,
            is_blocked=False,
            created_at=_EPOCH,
            updated_at=_EPOCH,
        )
        for number, role in enumerate(roles)
    ]
    return people, [tokens.token(person.clerk_id) for person in people]


def _song(number: int, artist: User) -> Song:
    words = random.Random(number)
    host = "https://res.bench.test/bench"
    return Song(
        id=_id(2, number),
        title=" ".join(words.choices(_WORDS, k=3)),
        artist_id=artist.id,
        artist_name=artist.full_name,
        image=StoredImage(f"songs/{number}/cover", f"{host}/image/upload/v1/songs/{number}/cover.png"),
        audio=StoredAudio(
            f"songs/{number}/audio",
            *(
                f"{host}/video/upload/{each}v1/songs/{number}/audio.mp3"
                for each in ("", "br_64k/", "br_128k/", "br_320k/")
            ),
        ),
        duration=180 + number % 120,
        album_id=None,
        genre=_GENRES[number % len(_GENRES)],
        mood=None,
        is_public=True,
        is_visible=True,
        created_at=_EPOCH + timedelta(seconds=number),
        updated_at=_EPOCH + timedelta(seconds=number),
    )


def _album(number: int, creator: User, song_ids: list[str]) -> Album:
    first = number * SONGS_PER_ALBUM % max(1, len(song_ids) - SONGS_PER_ALBUM)
    return Album(
        id=_id(3, number),
        title=f"{_WORDS[number % len(_WORDS)]} Album {number}",
        creator_id=creator.id,
        creator_name=creator.full_name,
        image=StoredImage(f"albums/{number}/cover", "https://res.bench.test/bench/image/upload/v1/a.png"),
        song_ids=tuple(song_ids[first : first + SONGS_PER_ALBUM]),
        is_public=True,
        is_visible=True,
        created_at=_EPOCH + timedelta(seconds=number),
        updated_at=_EPOCH + timedelta(seconds=number),
    )


def seed(system: System, tokens: Tokens, song_count: int) -> Seeded:
    """Write users, songs and albums. Blocks; run it in a thread.

    Albums belong to listeners too, so that every listener has one of their own.
    """
    people, signed = _users(tokens)
    artist = people[0]
    song_ids = [_id(2, number) for number in range(song_count)]
    made_albums = [
        replace(_album(number, people[2 + number % LISTENERS], song_ids), is_public=number < ALBUMS)
        for number in range(max(ALBUMS, LISTENERS))
    ]
    made_songs = (_song(number, artist) for number in range(song_count))
    if system.mongodb_uri is None:
        write_rows(system.sqlite_file("user"), "users", map(user_rows.to_row, people))
        write_rows(system.sqlite_file("album"), "albums", map(album_rows.to_row, made_albums))
        rows = (
            {**song_rows.to_row(song), "is_sent": _is_sent(number)} for number, song in enumerate(made_songs)
        )
        write_rows(system.sqlite_file("song"), "songs", rows)
    else:
        with pymongo.MongoClient[dict[str, object]](system.mongodb_uri) as client:
            client["users_db"]["users"].insert_many([users.to_document(each) for each in people])
            client["albums_db"]["albums"].insert_many([albums.to_document(each) for each in made_albums])
            documents = (
                {**songs.to_document(song), "isSent": _is_sent(number)}
                for number, song in enumerate(made_songs)
            )
            while some := list(islice(documents, _BATCH)):
                client["songs_db"]["songs"].insert_many(some, ordered=False)
    return Seeded(song_ids, [_id(3, number) for number in range(ALBUMS)], signed[2:], signed[0], signed[1])


def _is_sent(number: int) -> bool:
    return number >= UNSENT_SONGS


def write_rows(file: Path, table: str, rows: Iterable[Mapping[str, Value]]) -> None:
    """All at once: one by one, each on the disk, they would take an hour."""
    first, *others = rows
    with contextlib.closing(sqlite3.connect(file, timeout=60)) as connection, connection:
        connection.executemany(statements.insert(table, first), [first, *others])
