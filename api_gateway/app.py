"""The gateway: a FastAPI application for its own routes, and beside it one ASGI endpoint for `/api/*`."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

from fastapi import APIRouter, FastAPI
from pydantic.alias_generators import to_camel
from starlette.types import ASGIApp, Receive, Scope, Send

from api_gateway import docs_routes, routes, search_routes
from api_gateway.api_endpoint import ApiEndpoint
from api_gateway.cors import Cors, CorsPolicy, is_preflight
from api_gateway.description import ApiDescription
from api_gateway.health import SERVICE, ServicesHealth
from api_gateway.resources import Resources
from api_gateway.route_table import find_target
from shared.http.middleware import ServiceMiddleware
from shared.http.problem import add_problem_handlers

OpenResources: TypeAlias = Callable[[], AbstractAsyncContextManager[Resources]]


def create_app(open_resources: OpenResources, frontend_origins: Iterable[str]) -> ASGIApp:
    """The gateway over what `open_resources` opens, for as long as the server runs."""
    policy = CorsPolicy(frontend_origins)
    app = _own_app(open_resources, routes.router, search_routes.router, docs_routes.router)
    own = ServiceMiddleware(Cors(app, policy), SERVICE)
    return Gateway(own, ApiEndpoint(policy, SERVICE))


def _own_app(open_resources: OpenResources, *routers: APIRouter) -> FastAPI:
    """The gateway's own routes. Its lifespan also opens the resources of the `/api/*` endpoint."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with open_resources() as resources:
            yield {
                "resources": resources,
                "description": ApiDescription(resources.upstreams, app.openapi),
                "services_health": ServicesHealth(resources.upstreams),
            }

    app = FastAPI(
        title="Music streaming API",
        version="1.0.0",
        lifespan=lifespan,
        redirect_slashes=False,
        openapi_url=None,
        generate_unique_id_function=lambda route: to_camel(route.name),
    )
    add_problem_handlers(app)
    for router in routers:
        app.include_router(router)
    return app


class Gateway:
    """Dispatches requests: those for services bypass the framework."""

    def __init__(self, own: ASGIApp, api: ApiEndpoint) -> None:
        self._own = own
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            target = find_target(scope["raw_path"])
            if target is not None and not is_preflight(scope["method"], scope["headers"]):
                await self._api.handle(target, scope)
                return
            scope["path"] = without_trailing_slash(scope["path"])
        await self._own(scope, receive, send)


def without_trailing_slash(path: str) -> str:
    """A trailing slash means the same as none."""
    return path.removesuffix("/") or "/"
