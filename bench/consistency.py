"""Looks for stale responses: two replicas of every service and of the gateway, while songs change, Redis is
killed and frozen, and a service is frozen.

`python -m bench.consistency READS` prints how many reads there were, and fails if one was stale: a read that
started after a write was acknowledged has to show that write, whichever gateway either went through.
"""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.catalogue import Seeded, seed
from bench.processes import free_port, python, running
from bench.system import SERVICES, System, Tokens, running_system

SONGS = 200
WATCHED = 12
"""The newest songs: they are in the first page of the list, and one after the other in albums."""

READERS = 24
PAUSE_BETWEEN_WRITES = 5.0
"""Of one song, on average, in seconds."""


@dataclass(slots=True)
class Watched:
    """A song that one writer changes: its title is a number that grows, and it is hidden now and then."""

    id: str
    attempted: int = 0
    acknowledged: int = -1
    is_hidden: bool = False
    is_changing: bool = False


@dataclass(slots=True)
class Findings:
    """What was read, and what of it was wrong."""

    reads: int = 0
    from_gateway: int = 0
    writes: int = 0
    failed: int = 0
    stale: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.reads} reads ({self.from_gateway} from a gateway's cache), {self.writes} writes, "
            f"{self.failed} failed meanwhile, {len(self.stale)} stale {self.stale[:5]}"
        )


class Client:
    """One HTTP/1.1 connection to a gateway."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(
        self, method: str, path: str, token: str | None, body: object = None
    ) -> tuple[int, bytes, bytes]:
        """Status, head and body of the response.

        Raises:
            OSError, EOFError: there is none.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "host: gateway"]
        if token is not None:
            lines.append(f"authorization: Bearer {token}")
        if content:
            lines += ["content-type: application/json", f"content-length: {len(content)}"]
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            response = await reader.readexactly(length)
        except (OSError, EOFError):
            self.close()
            raise
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), head, response

    def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Check:
    """Writers and readers, and what they found."""

    def __init__(self, gateways: Sequence[int], seeded: Seeded, reads: int) -> None:
        self.findings = Findings()
        self._gateways = gateways
        self._seeded = seeded
        self._reads = reads
        self._songs = {song: Watched(song) for song in seeded.song_ids[-WATCHED:]}
        self._random = random.Random(1)

    async def run(self) -> None:
        """Until there were enough reads; says every ten seconds how far it is."""
        writers = [asyncio.create_task(self._write(song)) for song in self._songs.values()]
        writers.append(asyncio.create_task(self._report()))
        try:
            await asyncio.gather(*(self._read() for _ in range(READERS)))
        finally:
            for each in writers:
                each.cancel()
            outcomes = await asyncio.gather(*writers, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(10)
            print(self.findings, flush=True)

    async def _write(self, song: Watched) -> None:
        path = f"/api/songs/{song.id}"
        while True:
            song.is_changing = True
            song.attempted += 1
            if await self._change(path, self._seeded.artist_token, {"title": f"v{song.attempted}"}):
                song.acknowledged = song.attempted
            if song.attempted % 3 == 0:
                wanted = not song.is_hidden
                hide = f"/api/admin/songs/{song.id}/visible"
                while not await self._change(hide, self._seeded.admin_token, {"isVisible": not wanted}):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                song.is_hidden = wanted
            song.is_changing = False
            await asyncio.sleep(self._random.uniform(0, 2 * PAUSE_BETWEEN_WRITES))

    async def _change(self, path: str, token: str, body: object) -> bool:
        """Whether the write was acknowledged. On a busy machine one may be refused."""
        client = Client(self._random.choice(self._gateways))
        try:
            status, _, response = await client.send("PATCH", path, token, body)
        finally:
            client.close()
        if status not in (200, 503, 504):
            raise RuntimeError(f"a write failed with {status}: {response[:200]!r}")
        if status != 200:
            self.findings.failed += 1
            return False
        self.findings.writes += 1
        return True

    async def _read(self) -> None:
        clients = [Client(port) for port in self._gateways]
        tokens = [None, None, *self._seeded.listener_tokens[:20]]
        while self.findings.reads < self._reads:
            self.findings.reads += 1
            path = self._path()
            # Acknowledged changes have to be visible; concurrent ones may be.
            settled = {
                song.id: (song.acknowledged, song.is_hidden, song.attempted, song.is_changing)
                for song in self._songs.values()
            }
            try:
                status, head, response = await self._random.choice(clients).send(
                    "GET", path, self._random.choice(tokens)
                )
            except (OSError, EOFError):
                self.findings.failed += 1
                continue
            self.findings.from_gateway += b"gateway; hit" in head
            if status not in (200, 404):
                self.findings.failed += 1
                continue
            self._compare(path, status, response, settled)
        for each in clients:
            each.close()

    def _path(self) -> str:
        kind = self._random.random()
        if kind < 0.6:
            return f"/api/songs/{self._random.choice(list(self._songs))}"
        if kind < 0.8:
            return f"/api/albums/{self._random.choice(self._seeded.album_ids)}"
        return self._random.choice(["/api/songs?limit=20", "/api/songs?limit=50", "/api/songs/trending"])

    def _compare(
        self, path: str, status: int, response: bytes, settled: dict[str, tuple[int, bool, int, bool]]
    ) -> None:
        found = json.loads(response)
        rows: list[dict[str, Any]] = []
        if status == 200:
            rows = found if isinstance(found, list) else found.get("songs", [found])
        shown = {row["_id"]: row["title"] for row in rows}
        for song_id, (acknowledged, was_hidden, attempted, was_changing) in settled.items():
            song = self._songs[song_id]
            title = shown.get(song_id)
            was_quiet = not was_changing and song.attempted == attempted and not song.is_changing
            if title is None:
                is_own = path == f"/api/songs/{song_id}"
                if is_own and was_quiet and not was_hidden:
                    self.findings.stale.append(f"{path}: 404 after it was shown")
                continue
            number = int(title[1:]) if title.startswith("v") else -1
            if number < acknowledged:
                self.findings.stale.append(f"{path}: {title} after v{acknowledged}")
            if was_quiet and was_hidden:
                self.findings.stale.append(f"{path}: shown after it was hidden")


@asynccontextmanager
async def _second_replicas(system: System) -> AsyncIterator[int]:
    """A second replica of every service and the gateway, on the same databases; yields the gateway's port."""
    ports = {name: free_port() for name in (*SERVICES, "gateway")}
    urls = {f"{name.upper()}_SERVICE_URL": f"http://127.0.0.1:{ports[name]}" for name in SERVICES}
    async with AsyncExitStack() as stack:
        for name, port in ports.items():
            module = "api_gateway.main" if name == "gateway" else f"{name}_service.main"
            await stack.enter_async_context(
                running(
                    f"{name} 2",
                    port,
                    *python(module),
                    environment={**system.environment, **urls, "PORT": str(port)},
                    log=system.folder / f"{name}-2.log",
                )
            )
        yield ports["gateway"]


async def _disturb(system: System, stack: AsyncExitStack, findings: Findings, reads: int) -> None:
    """Kill Redis after a quarter of the reads, freeze it after half, and a service after three quarters."""

    async def until(share: float) -> None:
        while findings.reads < reads * share:  # noqa: ASYNC110 - it is one of the readers' counters
            await asyncio.sleep(0.05)

    async def freeze(process_id: int, seconds: float) -> None:
        os.kill(process_id, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(process_id, signal.SIGCONT)

    redis = system.processes["redis"]
    await until(1 / 4)
    os.kill(redis.pid, signal.SIGKILL)
    await asyncio.sleep(0.5)
    command = ("redis-server", "--port", str(redis.port), "--save", "", "--bind", "127.0.0.1")
    again = await stack.enter_async_context(
        running("redis", redis.port, *command, environment={}, log=system.folder / "redis-2.log")
    )
    await until(1 / 2)
    await freeze(again.pid, 2.5)
    await until(3 / 4)
    await freeze(system.processes["song"].pid, 1.5)


async def check(folder: Path, reads: int) -> Findings:
    """What `reads` reads found."""
    tokens = Tokens()
    more = {"CACHE_TIMEOUT_SECONDS": "0.5", "LOG_LEVEL": "warning"}  # a busy machine is no outage
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(running_system(folder, tokens, more))
        seeded = await asyncio.to_thread(seed, system, tokens, SONGS)
        second = await stack.enter_async_context(_second_replicas(system))
        found = Check([system.gateway.port, second], seeded, reads)
        disturbing = asyncio.create_task(_disturb(system, stack, found.findings, reads))
        try:
            await found.run()
        finally:
            disturbing.cancel()
            await asyncio.gather(disturbing, return_exceptions=True)
        return found.findings


def main() -> None:
    """Print what was found."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        findings = asyncio.run(check(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
    print(f"{findings} in {time.monotonic() - began:.0f} s")
    raise SystemExit(1 if findings.stale else 0)


if __name__ == "__main__":
    main()
