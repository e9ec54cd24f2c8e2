"""What every app has around it: request id, access log, metrics, and an answer to our own mistakes."""

import logging
import re
import sys
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics
from shared.http.body_limit import BodyLimit
from shared.http.head_requests import HeadAsGet
from shared.http.problem import internal_problem
from shared.http.request_id import HEADER, adopt_request_id, current_request_id

_PROBES = frozenset({"/livez", "/readyz", "/health", "/health/services"})
"""Asked every few seconds: neither counted nor logged, or they would hide that people's requests fail."""

log = structlog.stdlib.get_logger("access")


class Observed:
    """The outermost layer of an app: pure ASGI, so bodies stream through it untouched."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service
        self._in_flight = metrics.IN_FLIGHT.labels(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        request_id = adopt_request_id(offered.decode("latin-1") if offered else None)
        status = 0
        is_answered = False
        started_at = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status, is_answered
            is_answered = message["type"] == "http.response.body" and not message.get("more_body")
            if message["type"] == "http.response.start":
                status = message["status"]
                kept = [pair for pair in message.get("headers", []) if pair[0].lower() != b"x-request-id"]
                message = {**message, "headers": [*kept, (HEADER.lower().encode(), request_id.encode())]}
            await send(message)

        self._in_flight.inc()
        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("unhandled", path=_without_strangers_words(scope["path"]), method=scope["method"])
            if not status:
                await internal_problem()(scope, receive, send_with_id)
            elif not is_answered:
                raise  # the server then cuts the connection, so that nobody takes half an answer for a whole
        finally:
            self._in_flight.dec()
            if scope["path"] not in _PROBES:
                self._record(scope, status, time.perf_counter() - started_at)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route_of(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        metrics.REQUESTS.labels(self._service, method, route, str(status)).inc()
        metrics.LATENCY.labels(self._service, method, route).observe(seconds)
        log.info(
            "request",
            method=method,
            path=_without_strangers_words(scope["path"]),
            status=status,
            milliseconds=round(seconds * 1000, 1),
        )


def around_service(app: ASGIApp, service: str) -> ASGIApp:
    """`app` with the layers that every service has."""
    return Observed(HeadAsGet(BodyLimit(app)), service)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_OWN_WORD = re.compile(r"[A-Za-z0-9_-]{0,40}")


def _without_strangers_words(path: str) -> str:
    """The path, but for what is neither word nor id: somebody may have put an address or a token there."""
    return "/".join(part if _OWN_WORD.fullmatch(part) else "…" for part in path.split("/"))[:200]


def _route_of(scope: Scope) -> str:
    """The template of the route that served this, so that ids do not become labels."""
    template = getattr(scope.get("route"), "path", None) or scope.get("route_template")
    return template if isinstance(template, str) else "unknown"


def _add_request_id(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    event["requestId"] = current_request_id()
    return event


def configure_logging(service: str, level: str) -> None:
    """JSON lines on standard output, from our code and from the libraries alike, each with its request id."""
    shared_steps: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared_steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )

    def add_service(_l: object, _m: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                add_service,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "urllib3", "pymongo", "aiosqlite", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
