"""What the gateway says of itself and of the services behind it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

import httpx
from starlette.responses import JSONResponse, Response

from api_gateway.upstream import Upstream
from shared.clock import now, to_iso
from shared.http.draining import DRAINING
from shared.http.request_id import HEADER, current_request_id

SERVICE: Final = "api-gateway"

PROBE_SECONDS: Final = 1.8
_MAX_DATA_BYTES: Final = 65536
_NO_STORE: Final = {"Cache-Control": "no-store"}


def own_health() -> Response:
    """The gateway depends on nothing that could be down: when it answers, it is well."""
    return JSONResponse({"status": "OK", "service": SERVICE, "timestamp": to_iso(now())}, headers=_NO_STORE)


def liveness() -> Response:
    """The process is alive."""
    return JSONResponse({"status": "OK"}, headers=_NO_STORE)


def readiness() -> Response:
    """503 once the process was told to stop. A service that is down does not make the gateway unready."""
    ready = not DRAINING.begun
    return JSONResponse({"status": "OK" if ready else "DOWN"}, 200 if ready else 503, headers=_NO_STORE)


def introduction() -> Response:
    """For the person who opens the gateway's address to see whether something is there."""
    return JSONResponse(
        {"service": SERVICE, "api": "/api", "health": "/health", "services": "/health/services"},
        headers=_NO_STORE,
    )


class _UnhealthyError(Exception):
    """Why a service does not count as healthy, in words that name no host."""


async def services_health(transport: httpx.AsyncBaseTransport, upstreams: Mapping[str, Upstream]) -> Response:
    """All services, asked at the same time, whatever the breakers think; 503 unless every one is healthy."""
    reports = await asyncio.gather(*(_report(transport, upstream) for upstream in upstreams.values()))
    healthy = all(report["status"] == "healthy" for report in reports)
    return JSONResponse(
        {"gateway": "healthy", "services": reports}, 200 if healthy else 503, headers=_NO_STORE
    )


async def _report(transport: httpx.AsyncBaseTransport, upstream: Upstream) -> dict[str, object]:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            data = await _ask(transport, upstream)
    except _UnhealthyError as reason:
        return {"name": upstream.name, "status": "unhealthy", "error": str(reason)}
    except (TimeoutError, httpx.TimeoutException):
        return {"name": upstream.name, "status": "unhealthy", "error": "No answer in time"}
    except httpx.ConnectError:
        return {"name": upstream.name, "status": "unhealthy", "error": "Not reachable"}
    except httpx.TransportError:
        return {"name": upstream.name, "status": "unhealthy", "error": "No usable answer"}
    return {"name": upstream.name, "status": "healthy", "data": data}


async def _ask(transport: httpx.AsyncBaseTransport, upstream: Upstream) -> dict[str, Any]:
    request = httpx.Request(
        "GET",
        upstream.url.join("/health"),
        headers={"Accept": "application/json", HEADER: current_request_id()},
        extensions={"timeout": dict.fromkeys(("connect", "read"), PROBE_SECONDS)},
    )
    response = await transport.handle_async_request(request)
    try:
        received = bytearray()
        async for chunk in response.aiter_raw():
            received += chunk
            if len(received) > _MAX_DATA_BYTES:
                raise _UnhealthyError("No usable answer")
    finally:
        await response.aclose()
    try:
        data = json.loads(received)
    except ValueError:
        data = None
    said = data.get("status") if isinstance(data, dict) else None
    if said == "DOWN":
        raise _UnhealthyError("Reports DOWN")
    if response.status_code != 200:
        raise _UnhealthyError(f"Answered {response.status_code}")
    if not isinstance(data, dict):
        raise _UnhealthyError("No usable answer")
    return data
