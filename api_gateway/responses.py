"""The gateway's own errors and responses, and the writer of every response to `/api/*`."""

from collections.abc import Coroutine
from typing import Any

from starlette.responses import Response

from api_gateway.cors import CorsPolicy
from api_gateway.downstream.exchange import Exchange
from api_gateway.headers import Headers, ResponseHead
from shared.errors import AppError, BadResponseError, LateResponseError, UnavailableError
from shared.http.client.errors import ConnectError, ConnectionLostError, ResponseTimeoutError, UpstreamError
from shared.http.problem import problem

UNREACHABLE_RETRY_SECONDS = 2


class ServiceUnreachableError(UnavailableError):
    """The service did not accept the request, or its circuit breaker is open."""

    code = "service_unreachable"

    def __init__(self, service: str, retry_after_seconds: int) -> None:
        super().__init__(f"The {service} service is not available now", retry_after_seconds)


class ServiceBadResponseError(BadResponseError):
    """The service sent an incomplete or malformed response."""

    code = "service_bad_answer"

    def __init__(self, service: str) -> None:
        super().__init__(f"The {service} service sent an invalid response")


class ServiceConnectionLostError(BadResponseError):
    """The connection was lost before the response to a request that may not be sent again."""

    code = "service_connection_lost"

    def __init__(self, service: str) -> None:
        super().__init__(
            f"The connection to the {service} service was lost; the request may have been carried out"
        )


class ServiceTimeoutError(LateResponseError):
    """The service accepted the request and did not respond in time."""

    code = "service_late"

    def __init__(self, service: str) -> None:
        super().__init__(f"The {service} service did not respond in time")


def error_of(failure: UpstreamError, service: str, *, is_repeatable: bool) -> AppError:
    """The gateway's error for a request that got no valid response from `service`."""
    if isinstance(failure, ConnectError) or (is_repeatable and isinstance(failure, ConnectionLostError)):
        return ServiceUnreachableError(service, UNREACHABLE_RETRY_SECONDS)
    if isinstance(failure, ConnectionLostError):
        return ServiceConnectionLostError(service)
    if isinstance(failure, ResponseTimeoutError):
        return ServiceTimeoutError(service)
    return ServiceBadResponseError(service)


def request_timeout() -> Response:
    """408: the client stopped in the middle of its body."""
    return problem(408, "The body did not arrive in time", "request_timeout")


class ResponseWriter:
    """Sends one response, with the headers that every response has.

    `extra` are headers that are added to it, such as those of a rate limit; `recycles` says that it closes
    its connection.
    """

    __slots__ = ("_cors", "_exchange", "_origin", "extra", "recycles", "request_id", "status")

    def __init__(
        self,
        exchange: Exchange,
        cors: CorsPolicy,
        origin: bytes | None,
        request_id: bytes,
        *,
        recycles: bool,
    ) -> None:
        self.status = 0
        self.extra: Headers = []
        self.recycles = recycles
        self.request_id = request_id
        self._exchange = exchange
        self._cors = cors
        self._origin = origin if origin is None else cors.allowed(origin)

    def _begin(self, head: ResponseHead) -> bytes:
        """The header lines to add to `head`, which is of a service, of the cache or our own."""
        self.status = head.status
        added = b"%bx-request-id: %b\r\n" % (
            self._cors.lines[self._origin, head.varies],
            self.request_id,
        )
        if self.extra:
            added += b"".join(b"%b: %b\r\n" % pair for pair in self.extra)
        return added

    def send(self, head: ResponseHead, body: bytes) -> Coroutine[Any, Any, None]:
        """Send a whole response."""
        return self._exchange.respond(head, self._begin(head), body, recycled=self.recycles)

    def start(self, head: ResponseHead) -> None:
        """Start a response that is sent in pieces."""
        self._exchange.begin(head, self._begin(head), recycled=self.recycles)

    def write(self, piece: bytes) -> Coroutine[Any, Any, None]:
        """The next piece of its body. An empty one flushes what was written so far."""
        return self._exchange.write(piece, last=False)

    def end(self, piece: bytes) -> Coroutine[Any, Any, None]:
        """The last piece."""
        return self._exchange.write(piece, last=True)
