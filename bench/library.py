"""`python -m bench.library`: searches among 100,000 songs, and a year's statistics of a million interactions.

Measures the repositories in CPU time, so that a busy machine matters less. A search is compared with an
uncached page of 20 of the same run: on SQLite, or with `--store mongodb` on the MongoDB-wire server, whose
time counts too. That has no indexes but unique ones, so it shows how often a search reads the collection, and
not how much of it MongoDB would read.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import pymongo

from bench.catalogue import write_rows
from bench.processes import Process
from bench.system import Store
from embedded.sqlite import schemas
from embedded.sqlite.database import SqliteDatabase, Value, open_database
from embedded.sqlite.play_statistics import SqlitePlayStatistics
from embedded.sqlite.song_search import SqliteSongSearch
from embedded.sqlite.songs import SqliteSongs, to_row
from shared.clock import now, to_millis
from shared.http.pagination import Slice
from shared.http.sorting import SortedSlice
from shared.ids import new_id
from shared.ports import StoredAudio, StoredImage
from shared.providers.mongo import open_mongo
from shared.search import terms_of
from song_service.domain import InteractionKind, Song
from song_service.ports import SongFilter, SongRepository
from song_service.repository import MongoSongs, to_document
from song_service.schemas import song_json
from song_service.search_ports import SongQuery, SongSearch
from song_service.song_search import MongoSongSearch
from tests.mongo_server import server as mongo_server

ARTISTS = 2_000
LISTENERS = 20_000
PAGE = 21
REPEATS = 15
DAYS = 364
BATCH = 2_000
Clock = Callable[[], float]
"""Processor seconds so far."""

_SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstvwz" for vowel in "aeio"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.library", description=__doc__)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--interactions", type=int, default=1_000_000)
    parser.add_argument("--store", type=Store, choices=list(Store), default=Store.SQLITE)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        if arguments.store is Store.SQLITE:
            measuring = _on_sqlite(Path(folder), arguments.songs, arguments.interactions)
        else:
            measuring = _on_mongodb(Path(folder), arguments.songs)
        for line in asyncio.run(measuring):
            sys.stdout.write(f"{line}\n")
    return 0


def _words(chosen: random.Random) -> list[str]:
    return ["".join(chosen.choices(_SYLLABLES, k=chosen.randint(1, 4))) for _ in range(12_000)]


async def _on_mongodb(folder: Path, song_count: int) -> list[str]:
    chosen = random.Random(5)
    words = _words(chosen)
    with mongo_server.start(folder) as server:
        process = Process("mongodb", server.process.pid, server.port)
        async with open_mongo(server.uri, "songs_db", "bench") as database:
            songs, search = MongoSongs(database), MongoSongSearch(database)
            await search.ensure_indexes()
            with pymongo.MongoClient[dict[str, object]](server.uri) as client:
                documents = map(to_document, _songs(chosen, words, song_count))
                while some := list(islice(documents, BATCH)):
                    client["songs_db"]["songs"].insert_many(some, ordered=False)
            return await _searches(songs, search, words, lambda: time.process_time() + process.cpu_seconds())


async def _on_sqlite(folder: Path, song_count: int, interaction_count: int) -> list[str]:
    chosen = random.Random(5)
    words = _words(chosen)
    path = folder / "songs.db"
    async with open_database(path, schemas.SONGS) as database:
        songs = list(_songs(chosen, words, song_count))
        write_rows(path, "songs", map(to_row, songs))
        write_rows(path, "interactions", _interactions(chosen, songs[:50], interaction_count))
        lines = await _searches(SqliteSongs(database), SqliteSongSearch(database), words, time.process_time)
        return [*lines, *await _a_year(database, [song.id for song in songs[:50]], interaction_count)]


def _interactions(chosen: random.Random, songs: Sequence[Song], count: int) -> Iterator[Mapping[str, Value]]:
    until, kinds = now(), list(InteractionKind)
    for number in range(count):
        yield {
            "id": f"{number:024x}",
            "user_id": f"{chosen.randrange(LISTENERS):024x}",
            "song_id": chosen.choice(songs).id,
            "kind": chosen.choice(kinds).value,
            "at": to_millis(until - timedelta(seconds=chosen.random() * DAYS * 86_400)),
            "dedup_key": str(number),
            "is_sent": 1,
        }


def _songs(chosen: random.Random, words: Sequence[str], count: int) -> Iterator[Song]:
    weights = [1 / (rank + 10) for rank in range(len(words))]
    artists = [" ".join(chosen.choices(words, k=2)).title() for _ in range(ARTISTS)]
    for number in range(count):
        title = " ".join(chosen.choices(words, weights, k=chosen.randint(1, 5))).title()
        moment = now() - timedelta(seconds=count - number)
        media = [
            f"https://res.bench.test/{kind}/songs/{number}" for kind in ("cover", "audio", "l", "m", "h")
        ]
        yield Song(
            id=new_id(),
            title=title,
            artist_id=f"{number % ARTISTS:024x}",
            artist_name=artists[number % ARTISTS],
            image=StoredImage(f"songs/{number}/cover", media[0]),
            audio=StoredAudio(f"songs/{number}/audio", *media[1:]),
            duration=180 + number % 120,
            album_id=None,
            genre=None,
            mood=None,
            is_public=True,
            is_visible=True,
            created_at=moment,
            updated_at=moment,
        )


async def _searches(
    songs: SongRepository, search: SongSearch, words: Sequence[str], clock: Clock
) -> list[str]:
    async def page() -> None:
        found = await songs.list(SongFilter(listed_only=True), Slice(PAGE))
        assert len([song_json(song) for song in found]) == PAGE  # noqa: S101 - or nothing is measured

    async def find(text: str) -> None:
        found = await search.find(SongQuery(terms=terms_of(text)), SortedSlice(PAGE))
        assert len([song_json(each.entry) for each in found]) <= PAGE  # noqa: S101

    base = await _cpu_seconds(page, clock)
    lines = ["| query | CPU ms | of a page |", "|---|---|---|", f"| page of 20 | {base * 1000:.1f} | 1.0 |"]
    two_words = [f"{words[0]} {words[3]}", f"{words[20]} {words[40]}", f"{words[900]} {words[1]}"]
    for text in ("s", "b", "so", "ma", words[0][:3], words[7][:3], *two_words, "s b"):
        seconds = await _cpu_seconds(partial(find, text), clock)
        lines.append(f"| `{text}` | {seconds * 1000:.1f} | {seconds / base:.1f} |")
    return lines


async def _cpu_seconds(work: Callable[[], Awaitable[None]], clock: Clock = time.process_time) -> float:
    taken = []
    for _ in range(REPEATS):
        started = clock()
        await work()
        taken.append(clock() - started)
    return statistics.median(taken)


async def _a_year(database: SqliteDatabase, song_ids: Sequence[str], count: int) -> list[str]:
    plays, today = SqlitePlayStatistics(database), now().date()
    first_day = today - timedelta(days=DAYS)

    async def report() -> None:
        await plays.report(song_ids, first_day)

    before = await _cpu_seconds(report)
    for number in range(DAYS):
        await plays.roll_up(first_day + timedelta(days=number))
    after = await _cpu_seconds(report)
    return [f"A year of {count} interactions: {after:.2f} s of CPU, {before:.2f} s without summaries"]


if __name__ == "__main__":
    sys.exit(main())
