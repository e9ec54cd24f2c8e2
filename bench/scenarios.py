"""The scenarios: single calls, a relay, a mixture, and growth of the catalogue with concurrent updates."""

import asyncio
import itertools
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from bench import catalogue, workloads
from bench.measurement import WARM_UP_SECONDS, Row, baseline_of, body_of, measure
from bench.processes import Process, free_port, python, running
from bench.report import Table
from bench.system import NO_RATE_LIMITS, SERVICES, Store, System, Tokens, running_system
from bench.wrk import Load, Request, load

NAMES = ("calls", "relay", "mixed", "memory", "scale")
COLUMNS = ("what", "requests/s", "of baseline", "p50 ms", "p99 ms", "CPU us per request", "failed")
UPDATES_PER_SECOND = 10
MIXED_TARGET = 0.12
"""The lowest acceptable throughput of the mixed workload, as a share of the baseline's."""

SPREAD = "1,000 songs by turns"
SCALE_CALLS = ("song", "list of 50", "album", "trending", SPREAD)
SCALE_ROUNDS = 3
SCALE_WARM_UP_SECONDS = 5.0
"""Long enough to read each of a thousand songs once, which is no steady state."""

RELAYED_BYTES = (1_000, 1_000_000)
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
        tables["relay"] = await _relay(folder, seconds)
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
    async with _nginx(system.folder, system.processes["song"].port) as nginx:
        if nginx is not None:
            row = await measure(
                "song, nginx in front of the service", nginx.port, calls["song"], serving | {"nginx": nginx},
                seconds=seconds, folder=system.folder,
            )  # fmt: skip
            table.rows.append(row.cells())
    return table


async def _mixed(system: System, seeded: catalogue.Seeded, seconds: float) -> Table:
    """At full load, which is 32 requests at a time, and at the rate of the target.

    Measured with the caches filled: the first request for each of 10,000 songs is no steady state.
    """
    requests = workloads.mixed_requests(seeded)
    body = await body_of(system, Request(f"/api/songs/{seeded.song_ids[0]}"))
    bare = await baseline_of(body, seconds, system.folder)
    serving = {name: system.processes[name] for name in ("gateway", *SERVICES, "redis")}
    row = await measure(
        "mixed workload", system.gateway.port, requests, serving, seconds=4 * seconds, folder=system.folder,
        baseline=bare.load, warm_up_seconds=4 * seconds,
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
                    for number in range(SCALE_ROUNDS)
                ]
                for rows in zip(*rounds, strict=True):
                    median = sorted(rows, key=lambda row: row.load.requests_per_second)[SCALE_ROUNDS // 2]
                    table.rows.append(median.cells())
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
    """While this is open, other songs than those that are read change."""
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


async def _relay(folder: Path, seconds: float) -> Table:
    """Uncached responses through the gateway and through nginx, of a service that costs little itself."""
    table = Table("Relay of an uncached response", COLUMNS)
    relay_folder = folder / "relay"
    relay_folder.mkdir()
    port, redis_port, gateway_port, minimal_port = free_port(), free_port(), free_port(), free_port()
    minimal = (*python("bench.minimal_relay"), str(minimal_port), str(port))
    redis = ("redis-server", "--port", str(redis_port), "--save", "", "--bind", "127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{f"{name.upper()}_SERVICE_URL": url for name in SERVICES},
        **{"HOST": "127.0.0.1", "PORT": str(gateway_port), "FRONTEND_ORIGINS": "http://localhost:5173"},
        **{"REDIS_URL": f"redis://127.0.0.1:{redis_port}/0", "CACHE_TIMEOUT_SECONDS": "1"},
        **NO_RATE_LIMITS,
    }
    async with (
        running(
            "service",
            port,
            *python("bench.baseline"),
            "raw",
            str(port),
            environment={},
            log=relay_folder / "raw.log",
        ) as raw,
        running("redis", redis_port, *redis, environment={}, log=relay_folder / "redis.log"),
        running(
            "gateway",
            gateway_port,
            *python("api_gateway.main"),
            environment=environment,
            log=relay_folder / "gateway.log",
        ) as gateway,
        running(
            "minimal relay in Python",
            minimal_port,
            *minimal,
            environment={},
            log=relay_folder / "minimal.log",
        ) as least,
        _nginx(relay_folder, port) as nginx,
    ):
        for size in RELAYED_BYTES:
            bare = await baseline_of(bytes(size), seconds, relay_folder)
            table.rows.append(bare.cells())
            table.rows += [
                row.cells()
                async for row in _relays(size, raw, (gateway, least, nginx), bare.load, seconds, relay_folder)
            ]
    return table


async def _relays(
    size: int, raw: Process, relays: Sequence[Process | None], bare: Load, seconds: float, folder: Path
) -> AsyncIterator[Row]:
    for process in relays:
        if process is not None:
            yield await measure(
                f"{size:,} B, {process.name}", process.port, [Request(f"/api/songs/{size}")],
                {"service": raw, process.name: process}, seconds=seconds, folder=folder, baseline=bare,
            )  # fmt: skip


@asynccontextmanager
async def _nginx(folder: Path, upstream_port: int) -> AsyncIterator[Process | None]:
    """nginx in front of a service, with one worker; None where it is not installed."""
    if shutil.which("nginx") is None:
        yield None
        return
    port = free_port()
    configuration = folder / f"nginx-{port}.conf"
    text = f"""
daemon off; master_process off; error_log {folder}/nginx-error.log; pid {folder}/nginx-{port}.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream service {{ server 127.0.0.1:{upstream_port}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
    await asyncio.to_thread(configuration.write_text, text)
    command = ("nginx", "-c", str(configuration))
    async with running("nginx", port, *command, environment={}, log=folder / "nginx.log") as process:
        yield process
