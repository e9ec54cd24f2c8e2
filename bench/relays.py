"""The gateway, nginx and a minimal relay in Python as relays of the same uncached responses, in turns."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.measurement import COLUMNS, ROUNDS, Row, baseline_of, measure, medians
from bench.processes import Process, free_port, python, running
from bench.report import Table
from bench.system import NO_RATE_LIMITS, SERVICES
from bench.wrk import Load, Request

RELAYED_BYTES = (1_000, 1_000_000)


async def relays(folder: Path, seconds: float) -> Table:
    """Uncached responses through the gateway and through nginx, of a service that costs little itself."""
    table = Table("Relay of an uncached response, median of rounds in turns", COLUMNS)
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
        nginx_before(relay_folder, port) as nginx,
    ):
        for size in RELAYED_BYTES:
            bare = await baseline_of(bytes(size), seconds, relay_folder)
            table.rows.append(bare.cells())
            processes = (gateway, least, nginx)
            rounds = [
                [row async for row in _relays(size, raw, processes, bare.load, seconds, relay_folder)]
                for _ in range(ROUNDS)
            ]
            table.rows += medians(rounds)
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
async def nginx_before(folder: Path, upstream_port: int) -> AsyncIterator[Process | None]:
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
