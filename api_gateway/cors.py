"""Who may read responses (CORS): the front ends, on every response, errors included.

Not Starlette's CORSMiddleware: it wraps `send` of each request, adds headers to responses for unknown
origins, refuses their preflights with 400 and passes on the CORS headers of a service.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_gateway.headers import Headers, varies_by_origin

ALLOWED_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS: Final = (
    "Authorization, Content-Type, x-clerk-session-id, "
    "Cache-Control, Pragma, Expires, X-Request-ID, Idempotency-Key, If-Match, If-None-Match"
)
EXPOSED_HEADERS: Final = (
    "X-Request-ID, Link, X-Total-Count, ETag, Retry-After, "
    "Content-Length, Content-Range, Content-Disposition, Accept-Ranges, Location, "
    "X-Corrected-Query, Cache-Status, RateLimit, RateLimit-Policy, Idempotency-Replayed"
)
PREFLIGHT_SECONDS: Final = 600

LOG_SECONDS: Final = 60.0
"""How often a rejected origin is logged."""
_MAX_LOGGED_ORIGINS: Final = 1000
_MAX_LOGGED_CHARACTERS: Final = 200

log = structlog.stdlib.get_logger(__name__)

RawHeaders = Sequence[tuple[bytes, bytes]]


def is_preflight(method: str, headers: RawHeaders) -> bool:
    """Whether the request is a CORS preflight."""
    if method != "OPTIONS":
        return False
    names = {name for name, _ in headers}
    return b"origin" in names and b"access-control-request-method" in names


def origin_of(headers: RawHeaders) -> bytes | None:
    """Returns the `Origin` header, if there is one."""
    for name, value in headers:
        if name == b"origin":
            return value
    return None


class CorsPolicy:
    """The front ends' origins, and what they are allowed."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.encode("ascii") for origin in origins)
        self._exposed = EXPOSED_HEADERS.encode("ascii")
        self.lines = {
            (origin, varies): b"".join(b"%b: %b\r\n" % pair for pair in self.headers(origin, varies=varies))
            for origin in (None, *self._origins)
            for varies in (False, True)
        }
        """The headers of a response as whole lines, by its allowed origin and whether it varies by origin."""
        self._logged_at: dict[bytes, float] = {}

    def allowed(self, origin: bytes | None) -> bytes | None:
        """Returns `origin` if it is allowed. Others are logged now and then: a setting may be wrong."""
        if origin is None or origin in self._origins:
            return origin
        self._log_rejected(origin[:_MAX_LOGGED_CHARACTERS])
        return None

    def _log_rejected(self, origin: bytes) -> None:
        now = time.monotonic()
        if now - self._logged_at.get(origin, -LOG_SECONDS) < LOG_SECONDS:
            return
        if len(self._logged_at) >= _MAX_LOGGED_ORIGINS:
            self._logged_at = {
                each: logged_at
                for each, logged_at in self._logged_at.items()
                if now - logged_at < LOG_SECONDS
            }
            if len(self._logged_at) >= _MAX_LOGGED_ORIGINS:
                return
        self._logged_at[origin] = now
        log.warning("the origin is not among FRONTEND_ORIGINS", origin=origin.decode("latin-1"))

    def headers(self, allowed: bytes | None, *, varies: bool) -> Headers:
        """Returns the CORS headers of a response for the origin `allowed`.

        `varies` says that its `Vary` names `Origin` already.
        """
        added = [] if varies else [(b"vary", b"Origin")]
        if allowed is not None:
            added += (
                (b"access-control-allow-origin", allowed),
                (b"access-control-allow-credentials", b"true"),
                # Lets the page measure its requests, and see which came from the browser's cache.
                (b"timing-allow-origin", allowed),
                (b"access-control-expose-headers", self._exposed),
            )
        return added

    def preflight_headers(self, allowed: bytes | None) -> Headers:
        """The same for a preflight; unknown origins get no more than that."""
        if allowed is None:
            return [(b"vary", b"Origin")]
        return [*self.headers(allowed, varies=False)[:-1], *_PREFLIGHT_HEADERS]


_PREFLIGHT_HEADERS: Final = (
    (b"access-control-allow-methods", ALLOWED_METHODS.encode("ascii")),
    (b"access-control-allow-headers", ALLOWED_HEADERS.encode("ascii")),
    (b"access-control-max-age", b"%d" % PREFLIGHT_SECONDS),
)


class Cors:
    """A layer around the gateway's own routes. It handles preflights, also for the services' paths."""

    def __init__(self, app: ASGIApp, policy: CorsPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = self._policy
        allowed = policy.allowed(origin_of(scope["headers"]))
        if is_preflight(scope["method"], scope["headers"]):
            headers = policy.preflight_headers(allowed)
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                varies = any(name == b"vary" and varies_by_origin(value) for name, value in headers)
                message = {**message, "headers": [*headers, *policy.headers(allowed, varies=varies)]}
            await send(message)

        await self._app(scope, receive, send_with_headers)
