"""CORS headers for any origin: for the media that a player fetches, and for sign-in.

The headers are there with and without an `Origin` in the request. A browser may otherwise cache a response
for an `<audio>` element without them, and refuse it to a script that fetches the same file.
"""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

OPEN_TO_BROWSERS: Mapping[str, str] = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Length, Content-Range, Accept-Ranges, ETag",
        # A page with COEP may embed only responses with this header.
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Timing-Allow-Origin": "*",
    }
)


async def preflight(request: Request) -> Response:
    """Handles CORS preflights."""
    return Response(
        status_code=204,
        headers={
            **OPEN_TO_BROWSERS,
            "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
            "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", "*"),
            "Access-Control-Max-Age": "600",
        },
    )
