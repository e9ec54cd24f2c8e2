"""The gateway as an ASGI application: bare, so that nothing stands between the two streams."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

import httpx
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api_gateway import health
from api_gateway.answers import RouteNotFoundError, method_not_allowed, send_answer
from api_gateway.body import IncomingBody
from api_gateway.cors import Cors, is_preflight, preflight_answer
from api_gateway.forwarding import Forwarder, Limits
from api_gateway.route_table import find_target, without_trailing_slash
from api_gateway.upstream import Upstream
from shared.errors import AppError
from shared.http.middleware import RequestMiddleware
from shared.http.problem import problem_of

OWN_ROUTES = frozenset({b"/", b"/health", b"/health/services", b"/livez", b"/readyz"})
"""What the gateway answers itself, by GET and HEAD."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What the gateway talks to."""

    forwarder: Forwarder
    transport: httpx.AsyncBaseTransport
    upstreams: Mapping[str, Upstream]
    limits: Limits


OpenResources: TypeAlias = Callable[[], AbstractAsyncContextManager[Resources]]


def create_app(open_resources: OpenResources, frontend_origins: Iterable[str]) -> ASGIApp:
    """The gateway over what `open_resources` opens, for as long as the server runs."""
    return Cors(RequestMiddleware(Gateway(open_resources), health.SERVICE), frontend_origins)


class Gateway:
    """Tells its own routes, the services' and everything else apart."""

    def __init__(self, open_resources: OpenResources) -> None:
        self._open_resources = open_resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        async with self._open_resources() as resources:
            scope["state"]["resources"] = resources
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        resources: Resources = scope["state"]["resources"]
        body = IncomingBody(receive, scope, resources.limits.body)
        try:
            body.check()
            target = find_target(scope["raw_path"])
            if target is not None and not is_preflight(scope["method"], scope["headers"]):
                scope["route_template"] = target.route
                await resources.forwarder.forward(target, scope, body, send)
                return
            answer = await _own_answer(resources, scope)
        except AppError as failure:
            answer = problem_of(failure)
        await send_answer(answer, body, send)


async def _own_answer(resources: Resources, scope: Scope) -> Response:
    """Raises: RouteNotFoundError."""
    path = without_trailing_slash(scope["raw_path"])
    if is_preflight(scope["method"], scope["headers"]):
        return preflight_answer()
    if path not in OWN_ROUTES:
        raise RouteNotFoundError
    scope["route_template"] = path.decode("ascii")
    if scope["method"] not in ("GET", "HEAD"):
        return method_not_allowed("GET, HEAD")
    match path:
        case b"/health":
            return health.own_health()
        case b"/health/services":
            return await health.services_health(resources.transport, resources.upstreams)
        case b"/livez":
            return health.liveness()
        case b"/readyz":
            return health.readiness()
        case _:
            return health.introduction()
