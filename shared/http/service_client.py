"""Calls from one service to another: deadline, request id, one retry where it is safe, errors by status.

Calls carry delegation or service tokens. If one is refused, as during a rotation of the signing key, that is
a 503: a 401 would sign the user out. A circuit breaker refuses calls to a service that hangs; otherwise each
request would wait for its deadline.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import structlog
from pydantic import TypeAdapter, ValidationError

from shared import tracing
from shared.circuit_breaker import Call, CircuitBreaker, CircuitBreakerPolicy
from shared.errors import (
    AppError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from shared.http.pooled_transport import PooledTransport
from shared.http.request_id import HEADER, current_request_id

_KIND_OF_STATUS: Mapping[int, type[AppError]] = {
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidError,
}

ResponseT = TypeVar("ResponseT")

log = structlog.stdlib.get_logger(__name__)


class ServiceClient:
    """One other service. `name` is used in errors, such as "album service"."""

    def __init__(self, http: httpx.AsyncClient, name: str) -> None:
        self._http = http
        self._name = name
        # The label by which the gateway names it, too.
        self._breaker = CircuitBreaker(name.replace(" ", "-"), CircuitBreakerPolicy(minimum_calls=5))

    async def fetch(
        self,
        shape: TypeAdapter[ResponseT],
        method: str,
        path: str,
        *,
        token: str | None = None,
        json: object = None,
        repeatable: bool = False,
    ) -> ResponseT:
        """Returns the body of a successful response, validated as a model of shared/contracts.

        `repeatable`: the call is idempotent, so it is repeated once after a connection failure.

        Raises:
            AppError: of the kind that the response status maps to.
            UnavailableError: it cannot be reached, times out, fails, returns another shape, or refuses the
            token.
        """
        response = await self._call(method, path, token, json, repeatable)
        try:
            return shape.validate_json(response.content)
        except ValidationError as failure:
            log.warning("service call failed", callee=self._name, errors=failure.error_count())
            raise self._unavailable() from failure

    async def send(self, method: str, path: str, *, token: str, json: object = None) -> None:
        """Call it and ignore the body of a successful response. Raises what `fetch` does."""
        await self._call(method, path, token, json, repeatable=False)

    @asynccontextmanager
    async def stream(self, path: str, *, token: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Streams the response to a GET; the connection is closed at the end.

        The deadline applies to the head and to each piece.

        Raises:
            UnavailableError: it cannot be reached, times out or returns no success; while streaming, the
            response is incomplete.
        """
        call = self._try_call()
        try:
            request = self._request("GET", path, token, None)
            response = await self._send(request, repeatable=True, stream=True)
            try:
                if not response.is_success:
                    call.succeeded()
                    log.warning("service call failed", callee=self._name, status=response.status_code)
                    raise self._unavailable()
                yield self._pieces(response, call)
            finally:
                await response.aclose()
        except httpx.HTTPError as failure:
            raise self._failed(call, failure) from failure
        finally:
            call.abandoned()

    async def _pieces(self, response: httpx.Response, call: Call) -> AsyncIterator[bytes]:
        try:
            async for piece in response.aiter_bytes():
                yield piece
        except httpx.HTTPError as failure:
            raise self._failed(call, failure) from failure
        call.succeeded()

    async def _call(
        self, method: str, path: str, token: str | None, json: object, repeatable: bool
    ) -> httpx.Response:
        call = self._try_call()
        try:
            response = await self._send(self._request(method, path, token, json), repeatable)
            call.succeeded()
        except httpx.HTTPError as failure:
            raise self._failed(call, failure) from failure
        finally:
            call.abandoned()
        if response.is_success:
            return response
        kind = _KIND_OF_STATUS.get(response.status_code)
        if kind is None:
            log.warning("service call failed", callee=self._name, status=response.status_code)
            raise self._unavailable()
        raise self._refusal(kind, response)

    def _try_call(self) -> Call:
        call = self._breaker.try_call()
        if call is None:
            raise self._unavailable()
        return call

    def _request(self, method: str, path: str, token: str | None, json: object) -> httpx.Request:
        headers = {HEADER: current_request_id()}
        tracing.inject(headers)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self._http.build_request(method, path, headers=headers, json=json)

    async def _send(self, request: httpx.Request, repeatable: bool, stream: bool = False) -> httpx.Response:
        try:
            return await self._http.send(request, stream=stream)
        except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError):
            if not repeatable:
                raise
            return await self._http.send(request, stream=stream)

    def _failed(self, call: Call, failure: httpx.HTTPError) -> UnavailableError:
        call.failed()
        log.warning("service call failed", callee=self._name, error=type(failure).__name__)
        return self._unavailable()

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as failure:
            raise self._unavailable() from failure

    def _refusal(self, kind: type[AppError], response: httpx.Response) -> AppError:
        """The error of the response, with its code, by which callers distinguish conflicts."""
        body = self._json(response)
        problem = body if isinstance(body, dict) else {}
        detail, code = problem.get("detail"), problem.get("code")
        refusal = kind(detail if isinstance(detail, str) else "Refused")
        if isinstance(code, str):
            refusal.code = code
        return refusal

    def _unavailable(self) -> UnavailableError:
        return UnavailableError(f"The {self._name} is not available now")


@asynccontextmanager
async def open_service(base_url: str, name: str, timeout_seconds: float) -> AsyncIterator[ServiceClient]:
    """A client of the service at `base_url`, with a pool of its own; the service need not be up yet."""
    transport = PooledTransport(base_url, connect_seconds=min(2.0, timeout_seconds))
    async with httpx.AsyncClient(
        base_url=base_url, timeout=timeout_seconds, transport=transport, trust_env=False
    ) as http:
        yield ServiceClient(http, name)
