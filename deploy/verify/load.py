"""A client that reads and writes at a constant rate and counts the results:

    python -m deploy.verify.load GATEWAY CLOUD COMMAND…

It runs for as long as COMMAND does (a rolling restart, say). Then it reads back all that was acknowledged,
the plays from the engine, to which RECOMBEE_DATABASE_ID and RECOMBEE_PRIVATE_TOKEN give access.
Exits 1 when a request failed or an acknowledged write is not there.
"""

import asyncio
import itertools
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx

from deploy.verify.visitor import System, UnexpectedResponseError, Visitor
from tests.system.engine import EngineView
from tests.system.media import image

REQUESTS_PER_SECOND = 50
SONGS = 24
UPLOAD_EVERY = 250
"""Every how many requests one is the upload of a song."""
PLAYS_WITHIN_SECONDS = 60.0
"""How long the queue may take to sync the last plays to the engine."""


@dataclass
class Count:
    """The results."""

    sent: int = 0
    failures: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    """Of each song that was renamed: its last acknowledged title."""
    albums: dict[str, str] = field(default_factory=dict)
    """Title by id of every album whose creation was acknowledged."""
    uploads: dict[str, str] = field(default_factory=dict)
    plays: Counter[str] = field(default_factory=Counter)
    """By song."""


class Load:
    """The requests, on songs that an artist uploaded before."""

    def __init__(self, artist: Visitor, songs: list[str], album: str) -> None:
        self.count = Count()
        self._artist = artist
        self._songs = itertools.cycle(songs)
        self._album = album
        # Renamings of one song follow each other, so that it is known which title is the last.
        self._order = {song: asyncio.Lock() for song in songs}
        self._numbers = itertools.count(1)

    async def _rename(self) -> None:
        song, title = next(self._songs), f"Title {next(self._numbers)}"
        async with self._order[song]:
            await self._artist.call("PATCH", f"/songs/{song}", json={"title": title})
            self.count.titles[song] = title

    async def _make_album(self) -> None:
        title = f"Album {next(self._numbers)}"
        files = {"image": ("cover.png", image(), "image/png")}
        data = {"title": title, "isPublic": "false"}
        made = await self._artist.call("POST", "/albums", 201, data=data, files=files)
        self.count.albums[made["_id"]] = title

    async def _upload(self) -> None:
        title = f"Upload {next(self._numbers)}"
        made = await self._artist.upload(title)
        self.count.uploads[made["_id"]] = title

    async def _play(self) -> None:
        song = next(self._songs)
        # With a key each play counts, however soon after the last one of the song.
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        await self._artist.call("POST", f"/songs/{song}/track/play", headers=headers)
        self.count.plays[song] += 1

    def _read(self, path: str) -> Callable[[], Awaitable[None]]:
        async def read() -> None:
            await self._artist.call("GET", path)

        return read

    def _choose(self, number: int) -> tuple[str, Callable[[], Awaitable[None]]]:
        if number % UPLOAD_EVERY == 0:
            return "upload", self._upload
        song = next(self._songs)
        choices: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("song", self._read(f"/songs/{song}")),
            ("rename", self._rename),
            ("songs", self._read("/songs?limit=20")),
            ("play", self._play),
            ("album", self._read(f"/albums/{self._album}")),
            ("rename", self._rename),
            ("me", self._read("/auth/me")),
            ("trending", self._read("/songs/trending?count=10")),
            ("for-you", self._read("/songs/recommendations/for-you?count=5")),
            ("make album", self._make_album) if number % 20 == 9 else ("rename", self._rename),
        )
        return choices[number % len(choices)]

    async def _one(self, number: int) -> None:
        kind, request = self._choose(number)
        started_at = time.perf_counter()
        try:
            await request()
        except (UnexpectedResponseError, httpx.HTTPError) as failure:
            self.count.failures.append(
                f"{time.strftime('%H:%M:%S')} {kind}: {type(failure).__name__} {failure}"
            )
        else:
            self.count.kinds[kind] += 1
        self.count.milliseconds.append((time.perf_counter() - started_at) * 1000)

    async def run_until(self, stopped: asyncio.Event) -> None:
        """`REQUESTS_PER_SECOND`, without waiting for earlier responses."""
        started_at = time.perf_counter()
        async with asyncio.TaskGroup() as requests:
            while not stopped.is_set():
                self.count.sent += 1
                requests.create_task(self._one(self.count.sent))
                await asyncio.sleep(
                    max(0.0, started_at + self.count.sent / REQUESTS_PER_SECOND - time.perf_counter())
                )

    async def lost(self, engine: EngineView) -> list[str]:
        """Acknowledged writes that are lost."""
        missing = []
        for song, title in self.count.titles.items():
            found = (await self._artist.call("GET", f"/songs/{song}"))["title"]
            if found != title:
                missing.append(f"song {song} is called {found}, not {title}")
        missing += await self._absent("album", "/albums", self.count.albums)
        missing += await self._absent("song", "/songs", self.count.uploads)
        missing += await self._unsynced(engine)
        return missing

    async def _unsynced(self, engine: EngineView) -> list[str]:
        """Plays that do not reach the engine in time."""
        deadline = time.monotonic() + PLAYS_WITHIN_SECONDS
        while unsynced := self.count.plays - Counter(await engine.plays_of(self._artist.id)):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.5)
        return [f"{count} plays of song {song}" for song, count in unsynced.items()]

    async def _absent(self, kind: str, path: str, acknowledged: dict[str, str]) -> list[str]:
        """Which of these (title by id) are not there under `path`."""
        absent = []
        for id_, title in acknowledged.items():
            response = await self._artist.http.get(f"{path}/{id_}")
            if response.status_code != 200 or response.json()["title"] != title:
                absent.append(f"{kind} {title}: {response.status_code}")
        return absent


def _report(count: Count, seconds: float, lost: list[str]) -> str:
    times = sorted(count.milliseconds)
    shares = ", ".join(f"p{share} {times[int(len(times) * share / 100)]:.0f} ms" for share in (50, 95, 99))
    writes = sum(count.kinds[kind] for kind in ("rename", "make album", "upload", "play"))
    lines = [
        f"{count.sent} requests in {seconds:.0f} s ({count.sent / seconds:.1f}/s), {writes} of them writes; "
        f"{shares}, longest {times[-1]:.0f} ms",
        f"  {dict(count.kinds)}",
        f"  failed: {len(count.failures)}; acknowledged writes lost: {len(lost)}",
    ]
    return "\n".join([*lines, *(f"    {each}" for each in [*count.failures[:20], *lost[:20]]), ""])


async def _during(command: list[str], system: System, engine: EngineView) -> int:
    async with AsyncExitStack() as stack:
        artist = await stack.enter_async_context(system.artist("Max Load"))
        songs = [(await artist.upload(f"Song {number}"))["_id"] for number in range(SONGS)]
        files = {"image": ("cover.png", image(), "image/png")}
        form = {"title": "Album", "isPublic": "true"}
        album = (await artist.call("POST", "/albums", 201, data=form, files=files))["_id"]
        load = Load(artist, songs, album)
        stopped = asyncio.Event()
        started_at = time.monotonic()
        running = asyncio.create_task(load.run_until(stopped))
        process = await asyncio.create_subprocess_exec(*command)
        try:
            status = await process.wait()
        finally:
            stopped.set()
            await running
        seconds = time.monotonic() - started_at
        lost = await load.lost(engine)
        sys.stdout.write(_report(load.count, seconds, lost))
        return 1 if load.count.failures or lost or status else 0


def main() -> int:
    gateway, cloud, *command = sys.argv[1:]
    engine = EngineView(cloud, os.environ["RECOMBEE_DATABASE_ID"], os.environ["RECOMBEE_PRIVATE_TOKEN"])
    return asyncio.run(_during(command, System(gateway, cloud), engine))


if __name__ == "__main__":
    sys.exit(main())
