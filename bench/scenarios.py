"""The scenarios: single calls, relays, a mixture, and growth of the catalogue with concurrent updates."""

import asyncio
import itertools
import re
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from bench import catalogue, workloads
from bench.measurement import COLUMNS, ROUNDS, WARM_UP_SECONDS, Row, baseline_of, body_of, measure, medians
from bench.relays import nginx_before, relays
from bench.report import Table
from bench.system import SERVICES, Store, System, Tokens, running_system
from bench.wrk import Request, load

NAMES = ("calls", "relay", "mixed", "memory", "scale")
UPDATES_PER_SECOND = 10
MIXED_TARGET = 0.12
"""The lowest acceptable throughput of the mixed workload, as a share of the baseline's."""

MIXED_WARM_UP_SECONDS = 30.0
"""Long enough to fill the caches, and for the first calls of the engine for each listener (song_service/
personal_orders.py), neither of which is a steady state.
"""

SPREAD = "1,000 songs by turns"
SCALE_CALLS = ("song", "list of 50", "album", "trending", SPREAD)
SCALE_WARM_UP_SECONDS = 5.0
"""Long enough to read each of a thousand songs once, which is no steady state."""

START_TIMEOUT_SECONDS = 60.0
SETTLING_SECONDS = 5.0
MEMORY_ROUND_SECONDS = 10.0
_SERVICE_OF_PATH = {"songs": "song", "albums": "album", "auth": "user"}


async def run_all(
    folder: Path, *, seconds: float, song_counts: Sequence[int], only: Collection[str], request_count: int
) -> dict[str, Table]:
    """The tables of the scenarios requested, by name."""
    tables: dict[str, Table] = {}
    if "relay" in only:
        tables["relay"] = await relays(folder, seconds)
    if "calls" in only:
        async with _seeded_system(folder, Store.MONGODB, min(song_counts)) as (system, seeded):
            tables["calls"] = await _calls(system, seeded, seconds)
    if {"mixed", "memory"} & set(only):
        count = max(each for each in song_counts if each <= workloads.MIXED_SONGS)
        async with _seeded_system(folder, Store.SQLITE, count) as (system, seeded):
            if "mixed" in only:
                tables["mixed"] = await _mixed(system, seeded, seconds)
            if "memory" in only:
                tables["memory"] = await _memory(system, seeded, request_count)
    if "scale" in only:
        tables["scale"] = await _scale(folder, song_counts, seconds)
    return tables


@asynccontextmanager
async def _seeded_system(
    folder: Path, store: Store, song_count: int
) -> AsyncIterator[tuple[System, catalogue.Seeded]]:
    """A system with a catalogue, whose outbox has been sent."""
    tokens = Tokens()
    own_folder = Path(tempfile.mkdtemp(prefix=f"{store}-{song_count}-", dir=folder))
    async with running_system(own_folder, tokens, store=store) as system:
        seeded = await asyncio.to_thread(catalogue.seed, system, tokens, song_count)
        await _outbox_sent(system, seeded.admin_token)
        yield system, seeded


async def _outbox_sent(system: System, admin_token: str) -> None:
    """Wait until the song service responds, and give its outbox time to reach the engine."""
    base = f"http://127.0.0.1:{system.gateway.port}"
    async with (
        httpx.AsyncClient(base_url=base, timeout=30) as client,
        asyncio.timeout(START_TIMEOUT_SECONDS),
    ):
        headers = {"Authorization": f"Bearer {admin_token}"}
        (await client.get("/api/admin/songs?limit=1", headers=headers)).raise_for_status()
    await asyncio.sleep(SETTLING_SECONDS)


async def _calls(system: System, seeded: catalogue.Seeded, seconds: float) -> Table:
    table = Table("Single calls", COLUMNS)
    serving = {name: system.processes[name] for name in ("gateway", *SERVICES, "redis")}
    calls = {**workloads.anonymous_calls(seeded), **workloads.signed_in_calls(seeded)}
    for name, requests in calls.items():
        bare = await baseline_of(await body_of(system, requests[0]), seconds, system.folder)
        table.rows.append(bare.cells())
        service = system.processes[_SERVICE_OF_PATH[re.split("[/?]", requests[0].path)[2]]]
        for where, port in (("service", service.port), ("gateway", system.gateway.port)):
            row = await measure(
                f"{name}, {where}", port, requests, serving, seconds=seconds, folder=system.folder,
                baseline=bare.load,
            )  # fmt: skip
            table.rows.append(row.cells())
    async with nginx_before(system.folder, system.processes["song"].port) as nginx:
        if nginx is not None:
            row = await measure(
                "song, nginx in front of the service", nginx.port, calls["song"], serving | {"nginx": nginx},
                seconds=seconds, folder=system.folder,
            )  # fmt: skip
            table.rows.append(row.cells())
    return table


async def _mixed(system: System, seeded: catalogue.Seeded, seconds: float) -> Table:
    """At full load, which is 32 requests at a time, and at the rate of the target."""
    requests = workloads.mixed_requests(seeded)
    body = await body_of(system, Request(f"/api/songs/{seeded.song_ids[0]}"))
    bare = await baseline_of(body, seconds, system.folder)
    serving = {name: system.processes[name] for name in ("gateway", *SERVICES, "redis")}
    row = await measure(
        "mixed workload", system.gateway.port, requests, serving, seconds=4 * seconds, folder=system.folder,
        baseline=bare.load, warm_up_seconds=MIXED_WARM_UP_SECONDS,
    )  # fmt: skip
    rate = MIXED_TARGET * bare.load.requests_per_second
    paced = await measure(
        f"mixed workload, {MIXED_TARGET} of baseline", system.gateway.port, requests, serving,
        seconds=4 * seconds, folder=system.folder, baseline=bare.load, requests_per_second=rate,
    )  # fmt: skip
    return Table("Mixed workload, on SQLite", COLUMNS, [bare.cells(), row.cells(), paced.cells()])


async def _memory(system: System, seeded: catalogue.Seeded, request_count: int) -> Table:
    """Memory of gateway, services and Redis before, in the middle and at the end of many mixed requests."""
    requests = workloads.mixed_requests(seeded)
    measured = [system.processes[name] for name in ("gateway", *SERVICES, "redis")]
    table = Table("Memory, MB", ("requests", *(each.name for each in measured), "together"))
    served = 0
    for until in (0, request_count // 2, request_count):
        while served < until:
            served += (
                await load(system.gateway.port, requests, MEMORY_ROUND_SECONDS, system.folder)
            ).requests
        used = [each.resident_megabytes() for each in measured]
        table.rows.append([f"{served:,}", *(f"{each:.0f}" for each in used), f"{sum(used):.0f}"])
    return table


async def _scale(folder: Path, song_counts: Sequence[int], seconds: float) -> Table:
    """The catalogues are measured in turns, because the speed of a machine changes within minutes."""
    table = Table("Catalogue size and updates, on SQLite, median of rounds in turns", COLUMNS)
    async with AsyncExitStack() as stack:
        opened = [
            (count, *await stack.enter_async_context(_seeded_system(folder, Store.SQLITE, count)))
            for count in song_counts
        ]
        for name in SCALE_CALLS:
            for updates in (0, UPDATES_PER_SECOND):
                rounds = [
                    [await _scale_row(name, each, updates, seconds, number) for each in opened]
                    for number in range(ROUNDS)
                ]
                table.rows += medians(rounds)
    return table


async def _scale_row(
    name: str, opened: tuple[int, System, catalogue.Seeded], updates: int, seconds: float, number: int
) -> Row:
    count, system, seeded = opened
    spread = workloads.spread(seeded.song_ids, 1_000)
    requests = spread if name == SPREAD else workloads.anonymous_calls(seeded)[name]
    serving = {each: system.processes[each] for each in ("gateway", *SERVICES, "redis")}
    async with _updating(system, seeded, updates):
        return await measure(
            f"{name}, {count:,} songs, {updates} updates/s", system.gateway.port, requests, serving,
            seconds=seconds, folder=system.folder,
            warm_up_seconds=WARM_UP_SECONDS if number else SCALE_WARM_UP_SECONDS,
        )  # fmt: skip


@asynccontextmanager
async def _updating(system: System, seeded: catalogue.Seeded, per_second: int) -> AsyncIterator[None]:
    """While this is open, the newer half of the catalogue changes, song by song, at `per_second`."""
    if not per_second:
        yield
        return

    async def update() -> None:
        base = f"http://127.0.0.1:{system.gateway.port}"
        headers = {"Authorization": f"Bearer {seeded.artist_token}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(base_url=base, timeout=30) as client:
            for number in itertools.count():
                song_id = seeded.song_ids[-1 - number % (len(seeded.song_ids) // 2)]
                change = workloads.update_of(song_id, seeded.artist_token, number)
                response = await client.patch(change.path, content=change.body, headers=headers)
                response.raise_for_status()
                await asyncio.sleep(1 / per_second)

    task = asyncio.create_task(update())
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
