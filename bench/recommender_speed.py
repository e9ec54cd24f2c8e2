"""How long the local engine takes: `python -m bench.recommender_speed [songs] [listeners] [interactions]`.

Planted tastes: listeners of twenty genres, some far more active than others, some songs far more popular. The
first model is trained in its own process while recommendations, plays and edits of the catalogue go on, all
through the object that serves the HTTP requests; then the same again with the model. Prints milliseconds and
megabytes.
"""

import asyncio
import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from embedded.cloud.recombee.app import DATABASE_FILE, Recombee
from embedded.cloud.recombee.listening import SECONDS_PER_DAY, Signal
from embedded.cloud.recombee.store import RecombeeStore
from embedded.cloud.recombee.training import model_file
from embedded.cloud.settings import CloudSettings

GENRES, ARTISTS_PER_GENRE, DAYS, BATCH = 20, 100, 90, 50_000
LOAD_SECONDS, RECOMMENDATIONS_PER_SECOND, PLAYS_PER_SECOND, EDITS_PER_SECOND = 30.0, 20, 20, 1
TRAINING_SECONDS = 1800.0
SETTINGS = CloudSettings(
    data_dir=Path(),
    public_url="http://127.0.0.1",
    clerk_secret_key="",
    clerk_publishable_key="",
    cloud_name="bench",
    cloudinary_api_key="",
    cloudinary_api_secret="",
    recombee_database_id="bench",
    recombee_private_token="",
    default_authorized_party="",
)


@dataclass(frozen=True)
class Size:
    songs: int = 50_000
    listeners: int = 100_000
    interactions: int = 5_000_000


def plant(file: Path, size: Size) -> None:
    """Fills the store at `file`, past its code, which would take an hour."""
    store = RecombeeStore(file)
    with store.transaction():
        for name in ("genre", "mood", "artistId", "artistName"):
            store.add_property("items", name, "string")
        store.add_property("items", "isListed", "boolean")
    store.close()
    rng = np.random.default_rng(1)
    activity = rng.pareto(1.5, size.listeners) + 0.2
    who = rng.choice(size.listeners, size.interactions, p=activity / activity.sum())
    foreign = rng.integers(0, GENRES, size.interactions)
    genre = np.where(rng.random(size.interactions) < 0.8, who % GENRES, foreign)
    rank = (size.songs // GENRES * rng.random(size.interactions) ** 2.5).astype(np.int64)
    what = np.minimum(rank * GENRES + genre, size.songs - 1)
    signal = rng.choice(
        [Signal.DETAIL_VIEW, Signal.PURCHASE, Signal.RATING], size.interactions, p=[0.5, 0.4, 0.1]
    )
    at = time.time() - rng.random(size.interactions) * DAYS * SECONDS_PER_DAY
    value = np.where(signal == Signal.RATING, -0.5, 0.0)
    order = np.argsort(who, kind="stable")
    columns = [column[order] for column in (who + size.songs + 1, what + 1, signal, value, at)]
    database = sqlite3.connect(file)
    try:
        with database:
            database.executemany(
                "INSERT INTO entities (owner, id, property_values) VALUES ('items', ?, ?)",
                ((f"song-{n}", json.dumps(values_of(n))) for n in range(size.songs)),
            )
            database.executemany(
                "INSERT INTO entities (owner, id) VALUES ('users', ?)",
                ((f"listener-{n}",) for n in range(size.listeners)),
            )
            for first in range(0, size.interactions, BATCH):
                rows = zip(*(column[first : first + BATCH].tolist() for column in columns), strict=True)
                database.executemany(
                    "INSERT OR IGNORE INTO interactions"
                    " (user_no, item_no, signal, value, at, session, details)"
                    " VALUES (?, ?, ?, ?, ?, '', '{}')",
                    rows,
                )
    finally:
        database.close()


def values_of(song: int) -> dict[str, object]:
    artist = f"{song % GENRES}-{song // GENRES % ARTISTS_PER_GENRE}"
    return {
        "genre": f"genre-{song % GENRES}",
        "mood": f"mood-{song % 7}",
        "artistId": f"artist-{artist}",
        "artistName": f"Artist {artist}",
        "isListed": song % 50 != 0,
    }


async def every(seconds: float, until: float, action: Callable[[int], Coroutine[None, None, None]]) -> None:
    """Runs the action at a steady rate, whether or not the one before has ended."""
    running: set[asyncio.Task[None]] = set()
    started, n = time.perf_counter(), 0
    while time.perf_counter() < until:
        running.add(asyncio.create_task(action(n)))
        n += 1
        await asyncio.sleep(max(started + n * seconds - time.perf_counter(), 0.0))
    await asyncio.gather(*running)


async def load(recombee: Recombee, size: Size, label: str) -> None:
    rng = np.random.default_rng(2)
    taken: list[float] = []

    async def call(method: str, path: str, body: dict[str, object]) -> None:
        response = await recombee.respond(method, path, {}, json.dumps(body).encode())
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response}")

    async def recommend(n: int) -> None:
        listener = rng.integers(size.listeners)
        started = time.perf_counter()
        body: dict[str, object] = {"count": 20, "scenario": "for-you", "filter": "'isListed'"}
        await call("POST", f"/recomms/users/listener-{listener}/items/", body)
        taken.append(1000 * (time.perf_counter() - started))

    async def play(n: int) -> None:
        body = {
            "userId": f"listener-{rng.integers(size.listeners)}",
            "itemId": f"song-{rng.integers(size.songs)}",
        }
        await call("POST", "/purchases/", {**body, "cascadeCreate": True})

    async def edit(n: int) -> None:
        song = int(rng.integers(size.songs))
        if n % 10 == 9:
            await call("DELETE", f"/items/added-{n - 1}", {})
        elif n % 10 == 8:
            await call("POST", f"/items/added-{n}", {**values_of(song), "!cascadeCreate": True})
        else:
            await call("POST", f"/items/song-{song}", {"mood": f"mood-{n % 7}", "!cascadeCreate": True})

    until = time.perf_counter() + LOAD_SECONDS
    await asyncio.gather(
        every(1 / RECOMMENDATIONS_PER_SECOND, until, recommend),
        every(1 / PLAYS_PER_SECOND, until, play),
        every(1 / EDITS_PER_SECOND, until, edit),
    )
    p50, p95 = np.percentile(taken, [50, 95])
    print(
        f"{label}: {len(taken)} for-you, p50 {p50:.1f} ms, p95 {p95:.1f} ms, worst {max(taken):.1f} ms",
        flush=True,
    )


def resident_megabytes() -> float:
    """Of this process, now: what planting took is given back."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def measure(folder: Path, size: Size) -> None:
    opened = time.perf_counter()
    async with Recombee(replace(SETTINGS, data_dir=folder)) as recombee:
        print(f"open after {time.perf_counter() - opened:.1f} s", flush=True)
        await load(recombee, size, "while the first model is trained")
        model, deadline = model_file(folder / DATABASE_FILE), opened + TRAINING_SECONDS
        while not model.exists() and time.perf_counter() < deadline:  # noqa: ASYNC110 - by another process
            await asyncio.sleep(0.5)
        print(
            f"model after {time.perf_counter() - opened:.0f} s, {model.stat().st_size / 2**20:.0f} MB",
            flush=True,
        )
        await load(recombee, size, "with the model")
        print(f"the service takes {resident_megabytes():.0f} MB", flush=True)
    training = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"training takes {training:.0f} MB at most")


def main() -> None:
    size = Size(*(int(argument) for argument in sys.argv[1:4]))
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        plant(Path(directory) / DATABASE_FILE, size)
        print(f"planted {size} in {time.perf_counter() - started:.0f} s", flush=True)
        asyncio.run(measure(Path(directory), size))


if __name__ == "__main__":
    main()
