"""One row of a measurement: a load on a server, with the processor time of every process involved."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.processes import Process, free_port, python, running
from bench.system import System
from bench.wrk import Load, Request, load

WARM_UP_SECONDS = 1.0
PAUSE_SECONDS = 0.3
ROUNDS = 3
"""Of measurements in turns, because the speed of a machine changes within minutes."""

COLUMNS = ("what", "requests/s", "of baseline", "p50 ms", "p99 ms", "CPU us per request", "failed")


@dataclass(frozen=True, slots=True)
class Row:
    """A load with the processor time per request of each process, in microseconds."""

    name: str
    load: Load
    cpu_microseconds: Mapping[str, float]
    baseline: Load | None = None

    @property
    def ratio(self) -> float | None:
        """Requests per second relative to the baseline of the same bytes in the same run."""
        if self.baseline is None:
            return None
        return self.load.requests_per_second / self.baseline.requests_per_second

    def cells(self) -> list[str]:
        """As a line of the table."""
        cpu = ", ".join(
            f"{name} {spent:.0f}" for name, spent in self.cpu_microseconds.items() if spent >= 0.5
        )
        failed = self.load.error_statuses + self.load.socket_errors
        return [
            self.name,
            f"{self.load.requests_per_second:,.0f}",
            "" if self.ratio is None else f"{self.ratio:.2f}",
            f"{self.load.p50_milliseconds:.1f}",
            f"{self.load.p99_milliseconds:.1f}",
            cpu,
            str(failed) if failed else "",
        ]


async def measure(
    name: str,
    port: int,
    requests: Sequence[Request],
    processes: Mapping[str, Process],
    *,
    seconds: float,
    folder: Path,
    baseline: Load | None = None,
    warm_up_seconds: float = WARM_UP_SECONDS,
    requests_per_second: float | None = None,
) -> Row:
    """Warm up, then measure, at full load or at most at `requests_per_second`."""
    await load(port, requests, warm_up_seconds, folder)
    await asyncio.sleep(PAUSE_SECONDS)
    before = {each: process.cpu_seconds() for each, process in processes.items()}
    seen = await load(port, requests, seconds, folder, requests_per_second=requests_per_second)
    spent = {each: process.cpu_seconds() - before[each] for each, process in processes.items()}
    per_request = {each: 1e6 * each_spent / max(1, seen.requests) for each, each_spent in spent.items()}
    return Row(name, seen, per_request, baseline)


def medians(rounds: Sequence[Sequence[Row]]) -> list[list[str]]:
    """Of rounds of the same measurements: of each, the row with the median of requests per second."""
    return [
        sorted(rows, key=lambda row: row.load.requests_per_second)[len(rows) // 2].cells()
        for rows in zip(*rounds, strict=True)
    ]


@asynccontextmanager
async def bare_uvicorn(body: bytes, folder: Path) -> AsyncIterator[Process]:
    """uvicorn responding to every request with these bytes, from a bare ASGI app."""
    port = free_port()
    file = folder / f"body-{port}"
    await asyncio.to_thread(file.write_bytes, body)
    command = (*python("bench.baseline"), "asgi", str(port), str(file))
    async with running("uvicorn", port, *command, environment={}, log=folder / "baseline.log") as process:
        yield process


async def baseline_of(body: bytes, seconds: float, folder: Path) -> Row:
    """What uvicorn alone can do with a body of these bytes."""
    async with bare_uvicorn(body, folder) as process:
        return await measure(
            f"uvicorn alone, {len(body):,} B",
            process.port,
            [Request("/")],
            {"uvicorn": process},
            seconds=seconds,
            folder=folder,
        )


async def body_of(system: System, request: Request) -> bytes:
    """The gateway's response to this request.

    Raises:
        httpx.HTTPStatusError: it is no success.
    """
    headers = {"Authorization": f"Bearer {request.token}"} if request.token else {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{system.gateway.port}", timeout=30) as client:
        response = await client.request(request.method, request.path, headers=headers)
    return response.raise_for_status().content
