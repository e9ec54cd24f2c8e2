"""Responses to malformed requests, made without the application."""

import contextvars
from typing import Final, NamedTuple

from api_gateway.downstream.body_decoder import (
    ExtensionsTooLargeError,
    MalformedBodyError,
    TrailersTooLargeError,
)
from api_gateway.downstream.date import date_line
from api_gateway.downstream.request_head import (
    HeadTooLargeError,
    MalformedHeadError,
    TargetTooLongError,
    UnencodedTargetError,
    UnknownMethodError,
)
from api_gateway.headers import status_line
from shared.http.problem import problem
from shared.http.request_id import HEADER, adopt_request_id


class Refusal(NamedTuple):
    """The status, the text for people and the code for programs."""

    status: int
    detail: str
    code: str


_MALFORMED: Final = Refusal(400, "The request is not valid HTTP", "malformed")

REFUSALS: Final[dict[type[Exception], Refusal]] = {
    MalformedHeadError: _MALFORMED,
    MalformedBodyError: _MALFORMED,
    UnknownMethodError: Refusal(
        501, "The method is not known; methods are written in upper case", "unknown_method"
    ),
    UnencodedTargetError: Refusal(400, "The URL has characters that must be percent-encoded", "malformed"),
    TargetTooLongError: Refusal(414, "The URL is too long", "url_too_long"),
    HeadTooLargeError: Refusal(431, "The head of the request is too large", "head_too_large"),
    TrailersTooLargeError: Refusal(431, "The trailers of the request are too large", "trailers_too_large"),
    ExtensionsTooLargeError: Refusal(413, "The chunk extensions are too large", "chunk_extensions_too_large"),
}
TOO_SLOW: Final = Refusal(408, "The head of the request did not arrive in time", "request_timeout")


def refuse(refusal: Refusal) -> bytes:
    """The response, after which the connection closes."""
    # In a context of its own: the request id made here is not that of any other request.
    return contextvars.copy_context().run(_response, refusal)


def _response(refusal: Refusal) -> bytes:
    request_id = adopt_request_id(None)
    response = problem(*refusal)
    headers = [
        *response.raw_headers,
        (HEADER.lower().encode(), request_id.encode()),
        (b"connection", b"close"),
    ]
    lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
    return b"".join((status_line(refusal.status), lines, date_line(), b"\r\n", response.body))
