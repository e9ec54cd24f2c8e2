"""The common parts of the user, song and album apps: lifespan, health, errors, middleware."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp

from shared.access.guards import Access
from shared.http.health import Probe, health_router
from shared.http.idempotency_keys import IdempotencyKeys
from shared.http.middleware import PROBES, ServiceMiddleware
from shared.http.openapi import GATEWAY_PREFIX, complete
from shared.http.prepared_route import PreparedRouting
from shared.http.problem import add_problem_handlers


class CommonResources(Protocol):
    """The resources that every service has."""

    @property
    def access(self) -> Access: ...

    @property
    def idempotency(self) -> IdempotencyKeys: ...

    @property
    def probes(self) -> Mapping[str, Probe]: ...


Resources = TypeVar("Resources", bound=CommonResources)


TRACED: TelemetryConfig = {
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
    "exclude": lambda scope: scope.get("path") in PROBES,
}
"""FastAPI's own telemetry: a span for each request when shared.tracing exports spans."""


class ServiceApi(FastAPI):
    """An app with a complete OpenAPI description, which accepts paths with and without the gateway's prefix.

    So generated clients, and "Try it out" at `/docs`, work at either address.
    """

    def openapi(self) -> dict[str, Any]:
        is_described = self.openapi_schema is not None
        description = super().openapi()
        if not is_described:
            complete(description, self.routes)
        return description

    def build_middleware_stack(self) -> ASGIApp:
        """Without FastAPI's middleware for internal errors and body sizes, which ServiceMiddleware
        handles; prepared routes pass the router.
        """
        handlers = {
            kind: handler for kind, handler in self.exception_handlers.items() if kind is not Exception
        }
        routing = PreparedRouting(self.routes, AsyncExitStackMiddleware(self.router))
        return ExceptionMiddleware(routing, handlers)


def service_app(
    service: str,
    open_resources: Callable[[], AbstractAsyncContextManager[Resources]],
    resources: Callable[[Request], Resources],
    *routers: APIRouter,
) -> ASGIApp:
    """The app called `service`; its lifespan opens and closes its resources.

    `resources` returns them for a request. Of two routes that match, the first in `routers` is used.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with open_resources() as found:
            yield {"resources": found, "access": found.access, "idempotency": found.idempotency}

    title = service.replace("-", " ").capitalize()
    health = health_router(service, lambda request: resources(request).probes)
    app = ServiceApi(
        title=title,
        version="1.0.0",
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=TRACED,
        docs_url=None,  # the gateway's shows all services, and works offline
        redoc_url=None,
        # Not include_router: the routes of included routers are matched twice for each request.
        routes=[route for router in (*routers, health) for route in router.routes],
    )
    add_problem_handlers(app)
    return ServiceMiddleware(app, service, GATEWAY_PREFIX)
