"""What every answer carries: who may read it (CORS), and when it was made.

The outermost layer, so that answers to our own mistakes can be read by the front end too.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_gateway.answers import http_date

ALLOWED_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS: Final = (
    "Authorization, Content-Type, x-clerk-session-id, "
    "Cache-Control, Pragma, Expires, X-Request-ID, Idempotency-Key, If-Match, If-None-Match"
)
EXPOSED_HEADERS: Final = (
    "X-Request-ID, Link, X-Total-Count, ETag, Retry-After, "
    "Content-Length, Content-Range, Accept-Ranges, Location, "
    "X-Corrected-Query, Cache-Status, RateLimit, RateLimit-Policy"
)
PREFLIGHT_SECONDS: Final = 600

RawHeaders = Sequence[tuple[bytes, bytes]]


def is_preflight(method: str, headers: RawHeaders) -> bool:
    """Whether a browser asks for permission before the request proper."""
    names = {name for name, _ in headers}
    return method == "OPTIONS" and b"origin" in names and b"access-control-request-method" in names


def preflight_answer() -> Response:
    """The permission. `Cors` takes it back from an origin that is not ours."""
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": ALLOWED_METHODS,
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        },
    )


class Cors:
    """Adds CORS headers for the front ends' origins, `Vary: Origin` and `Date` to every answer of `app`."""

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode("ascii") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        granted = origin if origin in self._origins else None

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _with_cors(message["headers"], granted)}
            await send(message)

        await self._app(scope, receive, send_with_cors)


def _with_cors(headers: RawHeaders, granted: bytes | None) -> RawHeaders:
    names = {name for name, _ in headers}
    if granted is None:
        added = []
        headers = [pair for pair in headers if not pair[0].startswith(b"access-control-")]
    else:
        added = [
            (b"access-control-allow-origin", granted),
            (b"access-control-allow-credentials", b"true"),
        ]
        if b"access-control-max-age" not in names:
            added.append((b"access-control-expose-headers", EXPOSED_HEADERS.encode("ascii")))
    if not _varies_by_origin(headers):
        added.append((b"vary", b"Origin"))
    if b"date" not in names:
        added.append((b"date", http_date()))
    return [*headers, *added]


def _varies_by_origin(headers: RawHeaders) -> bool:
    listed = b",".join(value for name, value in headers if name == b"vary").lower()
    return not {b"origin", b"*"}.isdisjoint(part.strip() for part in listed.split(b","))
