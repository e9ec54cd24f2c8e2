"""Maps errors to HTTP responses: the one table kind -> status, and problem details (RFC 9457).

`error` repeats `detail` because the front end reads it as a string; `code` is what programs compare.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from shared import errors
from shared.http.field_errors import field_errors_of
from shared.http.request_id import current_request_id

STATUS_OF_KIND: Mapping[type[errors.AppError], int] = {
    errors.MalformedError: 400,
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.PreconditionFailedError: 412,
    errors.TooLargeError: 413,
    errors.UnsupportedMediaError: 415,
    errors.InvalidError: 422,
    errors.TooManyRequestsError: 429,
    errors.BadResponseError: 502,
    errors.UnavailableError: 503,
    errors.LateResponseError: 504,
}

PROBLEM_TYPE = "application/problem+json"

_CODE_OF_STATUS = {
    404: "route_not_found",
    405: "method_not_allowed",
    413: errors.TooLargeError.code,
    500: "internal_error",
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_TEXT_OF_STATUS = {404: "Route not found", 405: "Method not allowed"}


def status_of(error: errors.AppError) -> int:
    """The HTTP status of a failure's kind.

    Raises:
        LookupError: the error has no kind, which is an internal error.
    """
    for kind in type(error).__mro__:
        if kind in STATUS_OF_KIND:
            return STATUS_OF_KIND[kind]
    raise LookupError(f"{type(error).__name__} derives from no kind in STATUS_OF_KIND")


def problem(
    status: int,
    detail: str,
    code: str,
    *,
    field_errors: Sequence[errors.FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An `application/problem+json` response."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "error": detail,
        "code": code,
        "requestId": current_request_id(),
    }
    if field_errors:
        body["errors"] = [{"field": each.field, "message": each.message} for each in field_errors]
    return Response(
        json.dumps(body, separators=(",", ":")),
        status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=PROBLEM_TYPE,
    )


def problem_of(error: errors.AppError) -> Response:
    """Returns the response for a failure."""
    headers: dict[str, str] = {}
    field_errors: Sequence[errors.FieldError] = ()
    if isinstance(error, errors.UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    retry_after_seconds = getattr(error, "retry_after_seconds", None)
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(retry_after_seconds)
    if isinstance(error, errors.TooManyRequestsError):
        headers["RateLimit-Policy"] = f'"{error.limit}";q={error.quota};w={error.window_seconds}'
        headers["RateLimit"] = f'"{error.limit}";r=0;t={error.retry_after_seconds}'
    if isinstance(error, errors.InvalidError):
        field_errors = error.errors
    return problem(status_of(error), error.detail, error.code, field_errors=field_errors, headers=headers)


def internal_problem() -> Response:
    """The response to an internal error: it contains no detail except the request id."""
    return problem(500, "Something went wrong on our side", _CODE_OF_STATUS[500])


def validation_problem(failure: RequestValidationError) -> Response:
    """400 when the body is not JSON at all, else 422 with each field and what is wrong with it."""
    found = failure.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return problem(400, "The body is not valid JSON", errors.MalformedError.code)
    if isinstance(failure.body, bytes):  # FastAPI does not parse this as JSON
        detail = "The body must be JSON, with the Content-Type application/json"
        return problem(400, detail, errors.MalformedError.code)
    return problem_of(errors.InvalidError.of(*field_errors_of(found, in_request=True)))


def _allowed_methods(app: FastAPI, request: Request) -> list[str]:
    """The methods of the requested resource, which several routes may have.

    If several templates match the path, the one with literal segments wins over parameters: `/songs/batch` is
    not a song.
    """
    methods_of: dict[str, list[str]] = {}
    for method in _METHODS:
        for route in app.routes:
            match, found = route.matches({**request.scope, "method": method})
            if match is Match.FULL:
                template = getattr(found.get("route"), "path", "")  # an included router has none
                methods_of.setdefault(template, []).append(method)
    allowed = methods_of[min(methods_of, key=_parameters_of)] if methods_of else []
    return [*allowed, "HEAD"] if "GET" in allowed else allowed


def _parameters_of(template: str) -> list[bool]:
    """Which segments of a template are parameters."""
    return [segment.startswith("{") for segment in template.split("/")]


def add_problem_handlers(app: FastAPI) -> None:
    """Install handlers that return every failure inside `app` as problem details."""

    @app.exception_handler(errors.AppError)
    async def on_app_error(_: Request, error: errors.AppError) -> Response:
        return problem_of(error)

    @app.exception_handler(RequestValidationError)
    async def on_validation_error(_: Request, error: RequestValidationError) -> Response:
        return validation_problem(error)

    @app.exception_handler(HTTPException)
    async def on_http_exception(request: Request, error: HTTPException) -> Response:
        status = error.status_code
        headers = error.headers
        if status == 400:
            return problem(400, "The body cannot be read", errors.MalformedError.code)
        if status == 405:
            headers = {"Allow": ", ".join(_allowed_methods(app, request))}
        return problem(
            status,
            error.detail if status == 413 else _TEXT_OF_STATUS.get(status, HTTPStatus(status).phrase),
            _CODE_OF_STATUS.get(status, HTTPStatus(status).phrase.lower().replace(" ", "_")),
            headers=headers,
        )

    @app.exception_handler(Exception)
    async def on_internal_error(_: Request, __: Exception) -> Response:
        return internal_problem()
