"""The one middleware of an app: request id, access log, metrics, internal errors and connection recycling.

Pure ASGI, so bodies stream through it untouched; nothing else of ours wraps `send`.
"""

import re
import time

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics, tracing
from shared.http.body_limit import BodyLimit
from shared.http.draining import ConnectionRecycling
from shared.http.problem import internal_problem
from shared.http.request_id import HEADER, adopt_request_id
from shared.local_metrics import Count, Distribution
from shared.logs import REQUEST_LOG

PROBES = frozenset({"/livez", "/readyz", "/health", "/health/services"})
"""Requested every few seconds: not counted or logged, because they would hide failures of other requests."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = HEADER.lower().encode()

log = structlog.stdlib.get_logger("access")


class RequestRecorder:
    """Counts and logs each request of `service` when its response ends."""

    def __init__(self, service: str) -> None:
        self.in_flight = metrics.IN_FLIGHT.labels(service)
        self._service = service
        self._series: dict[tuple[str, str, int], tuple[Counter | Count, Histogram | Distribution]] = {}

    def record(self, method: str, route: str, path: str, status: int, seconds: float) -> None:
        """`route` is the template of `path`. `status` is 0 when the client left before the response."""
        found = self._series.get((method, route, status))
        if found is None:
            method = method if method in _METHODS else "other"
            found = self._series[method, route, status] = (
                metrics.REQUESTS.labels(self._service, method, route, str(status)),
                metrics.LATENCY.labels(self._service, method, route),
            )
        requests, latency = found
        requests.inc()
        latency.observe(seconds)
        REQUEST_LOG.write(method, redact_path(path), status, seconds)


class RequestMiddleware:
    """The outermost layer of the gateway, and of services as ServiceMiddleware."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._recorder = RequestRecorder(service)
        self._recycling = ConnectionRecycling()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        response = _Response(scope, send, self._recycling)
        tracing.adopt(scope["headers"])
        inner, receive = self._inner(scope, receive)
        self._recorder.in_flight.inc()
        try:
            await self._app(inner, receive, response.send)
        except Exception:
            log.exception("unhandled exception", path=redact_path(scope["path"]), method=scope["method"])
            if not response.status:
                await internal_problem()(scope, receive, response.send)
            elif not response.is_complete:
                raise  # the server then aborts the connection, so that clients notice
        finally:
            self._recorder.in_flight.dec()
            if scope["path"] not in PROBES:
                seconds = time.perf_counter() - started_at
                self._recorder.record(
                    scope["method"], _route_of(inner), scope["path"], response.status, seconds
                )

    def _inner(self, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
        """The `receive` that the app gets."""
        return scope, receive


class ServiceMiddleware(RequestMiddleware):
    """Around a service: HEAD is GET for it, bodies have a limit, and paths may begin with `root_path`.

    The server leaves the body of a response to HEAD out.
    """

    def __init__(self, app: ASGIApp, service: str, root_path: str = "") -> None:
        super().__init__(app, service)
        self._root_path = root_path

    def _inner(self, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
        inner = {**scope, "root_path": self._root_path}
        if scope["method"] == "HEAD":
            inner["method"] = "GET"
        return inner, BodyLimit(inner, receive).receive


class _Response:
    """The state of one response, and the wrapper of its `send`."""

    __slots__ = ("_method", "_recycling", "_request_id", "_send", "is_complete", "status")

    def __init__(self, scope: Scope, send: Send, recycling: ConnectionRecycling) -> None:
        offered = next((value for name, value in scope["headers"] if name == _REQUEST_ID), None)
        self._request_id = adopt_request_id(offered.decode("latin-1") if offered else None).encode()
        self._method: str = scope["method"]
        self._send = send
        self._recycling = recycling
        self.status = 0
        self.is_complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != _REQUEST_ID]
            headers.append((_REQUEST_ID, self._request_id))
            if self._recycling.is_due(self._method):
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        else:
            self.is_complete = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)


_SECRET_PART = re.compile(r"(/albums/shared/)[^/]+")
"""The token of a share link, which gives access to the album."""

_PLAIN_PATH = re.compile(r"[A-Za-z0-9_-]{0,40}(?:/[A-Za-z0-9_-]{0,40})*")
_PLAIN_PART = re.compile(r"[A-Za-z0-9_-]{0,40}")


def redact_path(path: str) -> str:
    """The path with only words and ids as segments: others may hold an address or a token."""
    if not _PLAIN_PATH.fullmatch(path):
        path = "/".join(part if _PLAIN_PART.fullmatch(part) else "…" for part in path.split("/"))
    if "/albums/shared/" in path:
        path = _SECRET_PART.sub(r"\1…", path)
    return path[:200]


def _route_of(scope: Scope) -> str:
    """The template of the route that served this, so that ids do not become labels."""
    template = getattr(scope.get("route"), "path", None) or scope.get("route_template")
    return template if isinstance(template, str) else "unknown"
