"""The health of the gateway and of the services behind it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from api_gateway.fetch import fetch
from api_gateway.resources import Upstream
from shared.clock import now, to_iso
from shared.http.client.errors import ConnectError, ResponseTimeoutError, UpstreamError
from shared.http.draining import DRAINING
from shared.http.schemas import LEFT_OUT

SERVICE: Final = "api-gateway"

PROBE_SECONDS: Final = 1.8
_MAX_DATA_BYTES: Final = 65536
_NO_STORE: Final = {"Cache-Control": "no-store"}

_Report: TypeAlias = dict[str, object]


class Introduction(BaseModel):
    """Where to find what."""

    service: str
    api: str
    health: str
    services: str


class GatewayHealth(BaseModel):
    """The health of the gateway itself."""

    status: Literal["OK"]
    service: str
    timestamp: str


class ServiceReport(BaseModel):
    """A healthy service has its own `data`, an unhealthy one an `error`."""

    name: str
    status: Literal["healthy", "unhealthy"]
    data: Annotated[dict[str, Any], LEFT_OUT] = Field(default={})
    error: Annotated[str, LEFT_OUT] = ""


class ServicesReport(BaseModel):
    """The health of all services."""

    gateway: Literal["healthy"]
    services: Sequence[ServiceReport]


def own_health() -> Response:
    """The gateway has no dependency that could be down: if it responds, it is healthy."""
    return JSONResponse({"status": "OK", "service": SERVICE, "timestamp": to_iso(now())}, headers=_NO_STORE)


def liveness() -> Response:
    """The process is alive."""
    return JSONResponse({"status": "OK"}, headers=_NO_STORE)


def readiness() -> Response:
    """503 after SIGTERM. A service that is down does not make the gateway unready."""
    ready = not DRAINING.begun
    return JSONResponse({"status": "OK" if ready else "DOWN"}, 200 if ready else 503, headers=_NO_STORE)


def introduction() -> Response:
    """A short introduction at the gateway's root address."""
    return JSONResponse(
        {"service": SERVICE, "api": "/api", "health": "/health", "services": "/health/services"},
        headers=_NO_STORE,
    )


class _UnhealthyError(Exception):
    """Why a service is unhealthy; the text names no host."""


class ServicesHealth:
    """The health of all services, probed in parallel, bypassing the breakers.

    Concurrent requests share one round of probes: anybody may ask, as often as they like.
    """

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = upstreams
        self._probing: asyncio.Future[list[_Report]] | None = None

    async def respond(self) -> Response:
        """503 unless every service is healthy."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.gather(*(_report(upstream) for upstream in self._upstreams.values()))
        reports = await asyncio.shield(self._probing)
        healthy = all(report["status"] == "healthy" for report in reports)
        return JSONResponse(
            {"gateway": "healthy", "services": reports}, 200 if healthy else 503, headers=_NO_STORE
        )


async def _report(upstream: Upstream) -> _Report:
    try:
        data = await _health_of(upstream)
    except _UnhealthyError as reason:
        return {"name": upstream.name, "status": "unhealthy", "error": str(reason)}
    except (TimeoutError, ResponseTimeoutError):
        return {"name": upstream.name, "status": "unhealthy", "error": "No response in time"}
    except ConnectError:
        return {"name": upstream.name, "status": "unhealthy", "error": "Not reachable"}
    except UpstreamError:
        return {"name": upstream.name, "status": "unhealthy", "error": "Invalid response"}
    return {"name": upstream.name, "status": "healthy", "data": data}


async def _health_of(upstream: Upstream) -> dict[str, Any]:
    response = await fetch(upstream.pool, b"/health", [], seconds=PROBE_SECONDS, max_bytes=_MAX_DATA_BYTES)
    return _checked(response.status, response.body)


def _checked(status: int, received: bytes) -> dict[str, Any]:
    try:
        data = json.loads(received)
    except ValueError:
        data = None
    said = data.get("status") if isinstance(data, dict) else None
    if said == "DOWN":
        raise _UnhealthyError("Reports DOWN")
    if status != 200:
        raise _UnhealthyError(f"Status {status}")
    if not isinstance(data, dict):
        raise _UnhealthyError("Invalid response")
    return data
