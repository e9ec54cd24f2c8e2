"""A span for each command to MongoDB, with the names of command and collection, never a value."""

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

_NOT_TRACED = frozenset({"ping", "hello", "isMaster", "endSessions", "createIndexes"})


class CommandSpans(CommandListener):
    """Creates the spans. The driver calls it from its threads, which run in the context of the request."""

    def __init__(self) -> None:
        self._running: dict[int, Span] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in _NOT_TRACED or not trace.get_current_span().is_recording():
            return
        collection = str(event.command.get(event.command_name, ""))
        self._running[event.request_id] = trace.get_tracer("music_streaming").start_span(
            f"{event.command_name} {collection}",
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": "mongodb",
                "db.namespace": event.database_name,
                "db.collection.name": collection,
                "db.operation.name": event.command_name,
            },
        )

    def succeeded(self, event: CommandSucceededEvent) -> None:
        span = self._running.pop(event.request_id, None)
        if span is not None:
            span.end()

    def failed(self, event: CommandFailedEvent) -> None:
        span = self._running.pop(event.request_id, None)
        if span is not None:
            span.set_status(StatusCode.ERROR)
            span.end()
