"""The gateway's own answers, and their way out while the client may still be sending."""

from datetime import UTC, datetime
from email.utils import format_datetime

from starlette.responses import Response
from starlette.types import Send

from api_gateway.body import IncomingBody
from shared.errors import BadAnswerError, LateAnswerError, NotFoundError, UnavailableError
from shared.http.problem import problem


class RouteNotFoundError(NotFoundError):
    """No service stands behind this path."""

    code = "route_not_found"

    def __init__(self) -> None:
        super().__init__("Route not found")


class ServiceUnreachableError(UnavailableError):
    """The service did not take the request, or is known not to."""

    code = "service_unreachable"

    def __init__(self, service: str, retry_after_seconds: int) -> None:
        super().__init__(f"The {service} service is not available now", retry_after_seconds)


class ServiceBadAnswerError(BadAnswerError):
    """The service broke off, or answered what is not HTTP."""

    code = "service_bad_answer"

    def __init__(self, service: str) -> None:
        super().__init__(f"The {service} service gave no usable answer")


class ServiceLateError(LateAnswerError):
    """The service took the request and did not answer in time."""

    code = "service_late"

    def __init__(self, service: str) -> None:
        super().__init__(f"The {service} service did not answer in time")


def method_not_allowed(allowed: str) -> Response:
    """405. `allowed` is the value of `Allow`."""
    return problem(405, "Method not allowed", "method_not_allowed", headers={"Allow": allowed})


def request_timeout() -> Response:
    """408: the client stopped in the middle of its body."""
    return problem(408, "The body did not arrive in time", "request_timeout")


async def send_answer(answer: Response, body: IncomingBody, send: Send) -> None:
    """Send `answer` whole at once; then let a client that is still sending finish, before closing."""
    must_close = body.must_close
    headers = [*answer.raw_headers, *([(b"connection", b"close")] if must_close else [])]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(answer.body), "more_body": True})
    if must_close:
        await body.linger()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def http_date() -> bytes:
    """This moment as a `Date` header has it."""
    return format_datetime(datetime.now(UTC), usegmt=True).encode("ascii")
