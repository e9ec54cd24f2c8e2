"""The ports of the request path of `/api/*`: a response cache and a rate limiter."""

from dataclasses import dataclass, field
from typing import Protocol

from api_gateway.headers import Headers, ResponseHead, head_to_client
from api_gateway.refreshes import Refresh
from api_gateway.route_table import Target


@dataclass(slots=True)
class ApiRequest:
    """A request for a service. `target.path` and `query` are as the client wrote them.

    Header names are lower case. `client_address` is the client's, also behind a trusted proxy. `refresh`
    is set when others wait for the response to this request. `asked_at` is when the response cache was asked
    for it, in the seconds of its clock.
    """

    method: str
    target: Target
    query: bytes
    headers: Headers
    client_address: str
    refresh: Refresh | None = None
    asked_at: float | None = None


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A whole response. `headers` go to the client; the gateway adds CORS, `Date` and the request id.

    `head` has them as they are sent.
    """

    status: int
    headers: Headers
    body: bytes
    head: ResponseHead = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", head_to_client(self.status, self.headers))


class Recording(Protocol):
    """Records one response while it is relayed."""

    def add(self, piece: bytes) -> None:
        """The next piece of the body."""

    def complete(self) -> None:
        """The body has ended as the service announced it. Not called for an incomplete response."""


class ResponseCache(Protocol):
    """Consulted before the rate limiter and before the service."""

    async def find(self, request: ApiRequest) -> CachedResponse | None:
        """Returns the response to send instead of calling the service.

        When it sets `request.refresh`, the caller calls `end_refresh` when the request has ended.
        """

    def end_refresh(self, request: ApiRequest, status: int) -> None:
        """The request that was to replace an outdated response has ended, with `status`; 0 for none."""

    def record(self, request: ApiRequest, status: int, headers: Headers) -> Recording | None:
        """Called with the head of each response of a service; None when it must not be stored.

        `headers` contain the `Surrogate-*` ones, which the client does not get.
        """


class RateLimiter(Protocol):
    """Called after the response cache and before the service."""

    async def check(self, request: ApiRequest) -> Headers:
        """Headers to add to the response, such as the remaining allowance.

        Raises:
            AppError: the request is refused.
        """
