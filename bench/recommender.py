"""How long the local recommender takes: `python -m bench.recommender [songs] [listeners] [interactions]`.

Planted tastes: listeners in twenty groups, each of which mostly plays songs of its own genre, some songs far
more than others. Prints milliseconds for the first build, for each kind of question, for a question right
after a write, and for a rebuild after every write, through the store that the local Recombee uses.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from embedded.cloud.recombee.listening import SECONDS_PER_DAY, Signal
from embedded.cloud.recombee.recommender import Recommender, Wanted
from embedded.cloud.recombee.reql import parse_filter
from embedded.cloud.recombee.store import Interaction, RecombeeStore

GENRES = 20
ARTISTS_PER_GENRE = 10
DAYS = 90
REPEATS = 50
LISTED = parse_filter("'isListed' == true", {"isListed": "boolean"})


def plant(store: RecombeeStore, songs: int, listeners: int, interactions: int) -> tuple[list[int], list[int]]:
    """Fills the store; the numbers of the songs and of the listeners."""
    rng = np.random.default_rng(1)
    with store.transaction():
        song_numbers = [store.add("items", f"song-{n}") for n in range(songs)]
        for n, number in enumerate(song_numbers):
            artist = f"artist-{n % GENRES}-{n // GENRES % ARTISTS_PER_GENRE}"
            values = {"genre": f"genre-{n % GENRES}", "artistId": artist, "mood": f"mood-{n % 3}"}
            store.set_values("items", number, {**values, "isListed": n % 50 != 0})
        listener_numbers = [store.add("users", f"listener-{n}") for n in range(listeners)]
    who = rng.integers(0, listeners, interactions)
    genre = np.where(rng.random(interactions) < 0.85, who % GENRES, rng.integers(0, GENRES, interactions))
    rank = (songs // GENRES * rng.random(interactions) ** 2.5).astype(np.int64)
    what = np.minimum(rank * GENRES + genre, songs - 1)
    signals = rng.choice(
        [Signal.DETAIL_VIEW, Signal.PURCHASE, Signal.RATING], interactions, p=[0.5, 0.4, 0.1]
    )
    at = time.time() - rng.random(interactions) * DAYS * SECONDS_PER_DAY
    with store.transaction():
        for listener, song, signal, moment in zip(who, what, signals, at, strict=True):
            value = -0.5 if signal == Signal.RATING else 0.0
            store.add_interaction(
                Interaction(
                    listener_numbers[listener],
                    song_numbers[song],
                    Signal(signal),
                    value,
                    float(moment),
                    "",
                    {},
                )
            )
    return song_numbers, listener_numbers


def report(what: str, action: Callable[[int], object], repeats: int = REPEATS) -> None:
    taken = []
    for n in range(repeats):
        started = time.perf_counter()
        action(n)
        taken.append(1000 * (time.perf_counter() - started))
    taken.sort()
    print(f"{what:<46} median {taken[len(taken) // 2]:8.2f} ms   worst {taken[-1]:8.2f} ms")


def main() -> None:
    songs, listeners, interactions = (int(a) for a in [*sys.argv[1:], "5000", "2000", "200000"][:3])
    with tempfile.TemporaryDirectory() as folder:
        store = RecombeeStore(Path(folder) / "bench.sqlite")
        try:
            started = time.perf_counter()
            song_numbers, listener_numbers = plant(store, songs, listeners, interactions)
            print(f"planted {songs} songs, {listeners} listeners, {interactions} interactions", end=" ")
            print(f"in {time.perf_counter() - started:.1f} s")
            measure(store, song_numbers, listener_numbers)
        finally:
            store.close()


def measure(store: RecombeeStore, songs: list[int], listeners: list[int]) -> None:
    def write(n: int) -> None:
        with store.transaction():
            store.add_interaction(
                Interaction(
                    listener(n),
                    songs[n % len(songs)],
                    Signal.PURCHASE,
                    0.0,
                    time.time(),
                    "",
                    {},
                )
            )

    def write_and_ask(n: int) -> None:
        write(n)
        recommender.personal(listener(n), wanted)

    def write_and_rebuild(n: int) -> None:
        write(n)
        eager.refresh()

    def listener(n: int) -> int:
        return listeners[n % len(listeners)]

    recommender = Recommender(store)
    report("first build, everything read", lambda n: recommender.refresh(), 1)
    wanted = Wanted(10, LISTED)
    report("for a listener, 10 songs", lambda n: recommender.personal(listener(n), wanted))
    report("for a listener, 50 songs", lambda n: recommender.personal(listener(n), Wanted(50, LISTED)))
    report("like a song, 10 songs", lambda n: recommender.similar(f"song-{n % len(songs)}", None, wanted))
    report("popular, 20 songs", lambda n: recommender.popular(Wanted(20, LISTED)))
    report("one durable write", write)
    report("a write, then for its listener", write_and_ask)
    print(f"  ({recommender.rebuilds} rebuilds so far)")
    # By a stopwatch that stands still no rebuild takes time, so none is followed by a rest.
    eager = Recommender(store, stopwatch=lambda: 0.0)
    eager.refresh()
    report("a write, then a rebuild", write_and_rebuild, 20)


if __name__ == "__main__":
    main()
