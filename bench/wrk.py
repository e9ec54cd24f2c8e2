"""Load from `wrk`: prepared requests on a fixed number of connections, at full load or at most at a rate."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
_MARK = "RESULT "

# A request a line: method, path, bearer token or "-", JSON body or "-", separated by tabs.
_SCRIPT = """
local prepared = {}
local next_request = 0
function init(args)
  for line in io.lines(args[1]) do
    local method, path, token, body = line:match("([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)")
    local headers = {}
    if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
    if body ~= "-" then headers["Content-Type"] = "application/json" else body = nil end
    prepared[#prepared + 1] = wrk.format(method, path, headers, body)
  end
end
function request()
  next_request = next_request % #prepared + 1
  return prepared[next_request]
end
function done(summary, latency, requests)
  io.write(string.format(
    'RESULT {"requests": %d, "microseconds": %d, ' ..
    '"p50": %d, "p99": %d, "status": %d, "sockets": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


# A request waits for the next slot. Slots that were missed are not made up for (coordinated omission).
_PACED = """
local ffi = require("ffi")
ffi.cdef([[
  struct timespec { long tv_sec; long tv_nsec; };
  int clock_gettime(int clock, struct timespec *now);
]])
local time = ffi.new("struct timespec")
local next_slot = 0
function delay()
  ffi.C.clock_gettime(1, time)
  local now = tonumber(time.tv_sec) * 1000 + tonumber(time.tv_nsec) / 1e6
  next_slot = math.max(next_slot + 1000 / REQUESTS_PER_SECOND, now)
  return math.floor(next_slot - now + 0.5)
end
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What one request of a load is."""

    path: str
    method: str = "GET"
    token: str | None = None
    body: str | None = None

    def line(self) -> str:
        """As the script reads it."""
        return f"{self.method}\t{self.path}\t{self.token or '-'}\t{self.body or '-'}\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What one run saw. Times are those of single requests."""

    requests: int
    requests_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    error_statuses: int
    socket_errors: int


def is_installed() -> bool:
    """Whether this machine has wrk."""
    return shutil.which("wrk") is not None


async def load(
    port: int,
    requests: Sequence[Request],
    seconds: float,
    folder: Path,
    *,
    requests_per_second: float | None = None,
) -> Load:
    """Keep `CONNECTIONS` connections busy for `seconds`, cycling through `requests`; with
    `requests_per_second`, at most at that rate.

    Raises:
        RuntimeError: wrk failed.
    """
    script, prepared = folder / "load.lua", folder / "requests.tsv"
    paced = _PACED.replace("REQUESTS_PER_SECOND", str(requests_per_second)) if requests_per_second else ""
    await asyncio.to_thread(script.write_text, _SCRIPT + paced)
    await asyncio.to_thread(prepared.write_text, "".join(each.line() for each in requests))
    process = await asyncio.create_subprocess_exec(
        *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "--timeout", "10s", "--latency"),
        *("-s", str(script), f"http://127.0.0.1:{port}", "--", str(prepared)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    lines = [line for line in output.decode().splitlines() if line.startswith(_MARK)]
    if process.returncode != 0 or not lines:
        raise RuntimeError(f"wrk failed: {output.decode()[-500:]}")
    seen = json.loads(lines[0].removeprefix(_MARK))
    elapsed = seen["microseconds"] / 1e6
    return Load(
        requests=seen["requests"],
        requests_per_second=seen["requests"] / elapsed,
        p50_milliseconds=seen["p50"] / 1000,
        p99_milliseconds=seen["p99"] / 1000,
        error_statuses=seen["status"],
        socket_errors=seen["sockets"],
    )
