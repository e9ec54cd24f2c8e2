"""The gateway's own routes."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api_gateway import health

router = APIRouter(tags=["gateway"])


@router.get("/", summary="About this API")
async def introduce() -> Response:
    return health.introduction()


@router.get("/health", summary="Health of the gateway")
async def own_health() -> Response:
    return health.own_health()


@router.get("/health/services", summary="Health of each service")
async def services_health(request: Request) -> Response:
    services_health: health.ServicesHealth = request.state.services_health
    return await services_health.respond()


@router.get("/livez", summary="Liveness")
async def liveness() -> Response:
    return health.liveness()


@router.get("/readyz", summary="Readiness")
async def readiness() -> Response:
    return health.readiness()
