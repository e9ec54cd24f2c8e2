"""Distributed tracing: W3C trace context between services, and spans to an OTLP endpoint if there is one.

Without an endpoint a received `traceparent` is only logged and passed on with calls to other services. With
one, each request, each call to a provider and each MongoDB command becomes a span. FastAPI creates the spans
of routes itself.
"""

import re
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

HEADER = "traceparent"

_HEADER = HEADER.encode()
_WELL_FORMED = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_received: ContextVar[str | None] = ContextVar("traceparent", default=None)
_provider: "TracerProvider | None" = None


def configure_tracing(service: str, endpoint: str | None) -> None:
    """Export the spans of this process to `endpoint`, an OTLP/HTTP receiver; None exports none."""
    global _provider
    if endpoint is None or _provider is not None:
        return
    # Not at the top: importing these takes 0.25 s, and most processes do not need them.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    _provider = TracerProvider(resource=Resource.create({"service.name": service}))
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(_provider)


def flush_tracing() -> None:
    """Export finished spans; blocks briefly."""
    if _provider is not None:
        _provider.force_flush(timeout_millis=3000)


def is_enabled() -> bool:
    """Whether this process exports spans."""
    return _provider is not None


def adopt(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Join the trace in the headers of a request, or none; a malformed one is ignored."""
    found = next((value for name, value in headers if name == _HEADER), None)
    _received.set(found.decode() if found is not None and _WELL_FORMED.fullmatch(found) else None)


def current_trace_id() -> str | None:
    """The trace id of this task, for logs."""
    if _provider is not None:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            return trace.format_trace_id(context.trace_id)
    received = _received.get()
    return received.split("-")[1] if received is not None else None


def inject(headers: MutableMapping[str, str]) -> None:
    """Add the trace context to the headers of a call to another service."""
    if _provider is not None:
        propagate.inject(headers)
    elif (received := _received.get()) is not None:
        headers[HEADER] = received


def with_current_span(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """`headers` with the current span as the parent."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    kept = [(name, value) for name, value in headers if name.decode("latin-1") not in carrier]
    return [*kept, *((name.encode(), value.encode()) for name, value in carrier.items())]


@contextmanager
def client_span(name: str, **attributes: str | int) -> Iterator[Span]:
    """Around a call to another service or a provider. Attribute names get dots for underscores."""
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    with trace.get_tracer("music_streaming").start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=named, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as failure:
            span.set_status(StatusCode.ERROR, type(failure).__name__)
            raise


@contextmanager
def server_span(name: str, headers: Iterable[tuple[bytes, bytes]], **attributes: str | int) -> Iterator[Span]:
    """Context manager around a request that no FastAPI route handles. Continues the trace in `headers`."""
    carrier = {key.decode("latin-1"): value.decode("latin-1") for key, value in headers if key == _HEADER}
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    with trace.get_tracer("music_streaming").start_as_current_span(
        name, propagate.extract(carrier), SpanKind.SERVER, named, record_exception=False
    ) as span:
        yield span
