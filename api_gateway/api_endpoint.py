"""`/api/*` as one bare ASGI endpoint: the response cache, then the rate limiter, then the service."""

import time

import structlog
from starlette.responses import Response
from starlette.types import Scope

from api_gateway.cors import CorsPolicy
from api_gateway.downstream.exchange import EXTENSION, Exchange
from api_gateway.headers import client_address, head_to_client, is_trusted
from api_gateway.ports import ApiRequest
from api_gateway.relay import BUSY_RETRY_SECONDS, relay
from api_gateway.request_body import BodyBufferFullError, ClientDisconnectedError, ClientTooSlowError
from api_gateway.resources import Resources, resources_of
from api_gateway.responses import ResponseWriter, request_timeout
from api_gateway.route_table import Target
from shared import tracing
from shared.errors import AppError, UnavailableError
from shared.http.draining import ConnectionRecycling
from shared.http.middleware import RequestRecorder
from shared.http.problem import internal_problem, problem_of
from shared.http.request_id import adopt_request_id

_CACHEABLE = frozenset({"GET", "HEAD"})
_TOO_MANY_BODIES = "Too many request bodies are being received; try again later"

log = structlog.stdlib.get_logger(__name__)


class ApiEndpoint:
    """Handles the requests whose path belongs to a service."""

    def __init__(self, cors: CorsPolicy, service: str) -> None:
        self._cors = cors
        self._recorder = RequestRecorder(service)
        self._recycling = ConnectionRecycling()

    async def handle(self, target: Target, scope: Scope) -> None:
        """Handle one request for `target`."""
        started_at = time.perf_counter()
        method = scope["method"]
        exchange: Exchange = scope["extensions"][EXTENSION]
        first = exchange.head.fields.first
        offered = first.get(b"x-request-id")
        request_id = adopt_request_id(offered.decode("latin-1") if offered else None).encode("ascii")
        tracing.adopt(scope["headers"] if b"traceparent" in first else ())
        recycles = self._recycling.is_due(method)
        writer = ResponseWriter(exchange, self._cors, first.get(b"origin"), request_id, recycles=recycles)
        recorder = self._recorder
        recorder.in_flight.inc()
        try:
            await _respond(target, scope, exchange, writer)
        except ClientDisconnectedError:
            pass  # the client has disconnected
        except Exception as failure:
            response = _response_of(failure)
            if response.status_code == 500:
                log.exception("unhandled exception", route=target.route, method=method)
            if writer.status:
                raise  # the server then aborts the connection, so that the client notices
            head = head_to_client(response.status_code, response.raw_headers)
            await writer.send(head, bytes(response.body))
        finally:
            recorder.in_flight.dec()
            seconds = time.perf_counter() - started_at
            recorder.record(method, target.route, scope["path"], writer.status, seconds)


async def _respond(target: Target, scope: Scope, exchange: Exchange, writer: ResponseWriter) -> None:
    resources = resources_of(scope["state"])
    headers, address = scope["headers"], exchange.peer
    networks = resources.limits.trusted_networks
    if networks and is_trusted(address, networks):
        address = client_address(headers, networks) or address
    request = ApiRequest(scope["method"], target, scope["query_string"], headers, address)
    cache = resources.cache
    if cache is not None and request.method in _CACHEABLE:
        cached = await cache.find(request)
        if cached is not None:
            await writer.send(cached.head, cached.body)
            return
    try:
        if resources.rate_limiter is not None:
            writer.extra += await resources.rate_limiter.check(request)
        if tracing.is_enabled():
            await _relay_in_span(resources, request, exchange, writer)
        else:
            await relay(resources, request, exchange, writer)
    finally:
        if cache is not None and request.refresh is not None:
            cache.end_refresh(request, writer.status)


async def _relay_in_span(
    resources: Resources, request: ApiRequest, exchange: Exchange, writer: ResponseWriter
) -> None:
    with tracing.server_span(f"{request.method} {request.target.route}", request.headers):
        request.headers = tracing.with_current_span(request.headers)
        await relay(resources, request, exchange, writer)


def _response_of(failure: Exception) -> Response:
    if isinstance(failure, AppError):
        return problem_of(failure)
    if isinstance(failure, ClientTooSlowError):
        return request_timeout()
    if isinstance(failure, BodyBufferFullError):
        return problem_of(UnavailableError(_TOO_MANY_BODIES, BUSY_RETRY_SECONDS))
    return internal_problem()
