"""`/livez`, `/readyz` and `/health`, which every service has."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.clock import now, to_iso
from shared.http.draining import DRAINING
from shared.http.openapi import AT_THE_SERVICE

log = structlog.stdlib.get_logger(__name__)

Probe = Callable[[], Awaitable[bool]]

PROBE_SECONDS = 1.0
_NO_STORE = {"Cache-Control": "no-store"}


class Readiness(BaseModel):
    """Whether a service is alive, or ready."""

    status: Literal["OK", "DOWN"]


class Health(BaseModel):
    """The health of a service and, as booleans, of its dependencies."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, bool]

    status: Literal["OK", "DEGRADED", "DOWN"]
    service: str
    timestamp: str


async def _succeeds(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await probe()
    except Exception as failure:  # noqa: BLE001 - any failure of a probe means an unhealthy dependency
        log.warning("probe failed", probe=probe.__qualname__, error=type(failure).__name__)
        return False


def cached_probe(probe: Probe, seconds: float) -> Probe:
    """`probe`, run at most once in `seconds`: for providers that limit or charge for calls.

    Concurrent callers wait for the same result, also when the first of them is cancelled.
    """
    probed_at = 0.0
    running: asyncio.Task[bool] | None = None

    async def probe_once() -> bool:
        nonlocal probed_at, running
        if running is None or (running.done() and time.monotonic() - probed_at > seconds):
            probed_at = time.monotonic()
            running = asyncio.create_task(_succeeds(probe))
        return await asyncio.shield(running)

    return probe_once


def health_router(service: str, probes: Callable[[Request], Mapping[str, Probe]]) -> APIRouter:
    """The three health calls of `service`.

    `probes` names the dependencies; the service is not ready without the one called `database`.
    """
    router = APIRouter(tags=["health"])

    @router.get(
        "/livez",
        summary="Liveness: is the process alive?",
        response_model=Readiness,
        openapi_extra=AT_THE_SERVICE,
    )
    async def livez() -> Response:
        return JSONResponse({"status": "OK"}, headers=_NO_STORE)

    @router.get(
        "/readyz",
        summary="Readiness: 503 while it cannot serve, or is about to stop",
        responses={200: {"model": Readiness}, 503: {"model": Readiness}},
        openapi_extra=AT_THE_SERVICE,
    )
    async def readyz(request: Request) -> Response:
        ready = not DRAINING.begun and await _succeeds(probes(request)["database"])
        return JSONResponse({"status": "OK" if ready else "DOWN"}, 200 if ready else 503, headers=_NO_STORE)

    @router.get(
        "/health",
        summary="Health of the service and of its dependencies",
        responses={200: {"model": Health}, 503: {"model": Health}},
        openapi_extra=AT_THE_SERVICE,
    )
    async def health(request: Request) -> Response:
        probed = probes(request)
        results = dict(
            zip(probed, await asyncio.gather(*(_succeeds(probe) for probe in probed.values())), strict=True)
        )
        status = "DOWN" if not results["database"] else "OK" if all(results.values()) else "DEGRADED"
        return JSONResponse(
            {"status": status, "service": service, **results, "timestamp": to_iso(now())},
            503 if status == "DOWN" else 200,
            headers=_NO_STORE,
        )

    return router
