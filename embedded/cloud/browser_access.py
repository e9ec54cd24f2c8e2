"""What lets a page of any origin read an answer: for the media that a player fetches, and for sign-in.

The headers are there with and without an `Origin` in the request. A browser may otherwise keep an answer
to a plain `<audio>` element and, finding no permission in it, refuse it to a script that asks for the same.
"""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

OPEN_TO_BROWSERS: Mapping[str, str] = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Length, Content-Range, Accept-Ranges, ETag",
        # A page that isolates itself (COEP) may embed only what says that it may be embedded.
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Timing-Allow-Origin": "*",
    }
)


async def preflight(request: Request) -> Response:
    """Answers the question that a browser asks before a request with a header or a method of its own."""
    return Response(
        status_code=204,
        headers={
            **OPEN_TO_BROWSERS,
            "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
            "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", "*"),
            "Access-Control-Max-Age": "600",
        },
    )
