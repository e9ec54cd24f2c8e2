"""The gateway's own routes."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api_gateway import health
from shared.http.health import Readiness

router = APIRouter(tags=["gateway"])


@router.get("/", summary="About this API", response_model=health.Introduction)
async def introduce() -> Response:
    return health.introduction()


@router.get("/health", summary="Health of the gateway", response_model=health.GatewayHealth)
async def own_health() -> Response:
    return health.own_health()


@router.get(
    "/health/services",
    summary="Health of each service; 503 if one is unhealthy",
    responses={status: {"model": health.ServicesReport} for status in (200, 503)},
)
async def services_health(request: Request) -> Response:
    services_health: health.ServicesHealth = request.state.services_health
    return await services_health.respond()


@router.get("/livez", summary="Liveness", response_model=Readiness)
async def liveness() -> Response:
    return health.liveness()


@router.get(
    "/readyz",
    summary="Readiness; 503 when it is about to stop",
    responses={status: {"model": Readiness} for status in (200, 503)},
)
async def readiness() -> Response:
    return health.readiness()
