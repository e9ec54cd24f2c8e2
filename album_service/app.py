"""The album service as a function of the things it talks to."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from album_service import admin_routes, routes
from album_service.dependencies import Resources, resources
from shared.health import health_router
from shared.problem import add_problem_handlers
from shared.web import around_service

SERVICE = "album-service"


def create_app(open_resources: Callable[[], AbstractAsyncContextManager[Resources]]) -> ASGIApp:
    """The app; its lifespan opens what it talks to, and closes it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with open_resources() as opened:
            yield {"resources": opened, "access": opened.access}

    app = FastAPI(title="Album service", version="1.0.0", lifespan=lifespan, redirect_slashes=False)
    add_problem_handlers(app)
    app.include_router(health_router(SERVICE, lambda request: resources(request).probes))
    app.include_router(routes.router)
    app.include_router(admin_routes.router)
    return around_service(app, SERVICE)
