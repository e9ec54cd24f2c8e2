"""JSON lines on standard output, from our code and the libraries, each with its request id.

Our code logs through structlog straight to a buffer, so that a request costs no system call. The buffer is
written when it holds `ATOMIC_BYTES`, a few times a second, and at once after an error. After SIGTERM lines
are not buffered.
"""

import atexit
import json
import logging
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor

from shared.http.request_id import current_request_id
from shared.tracing import current_trace_id

FLUSH_SECONDS = 0.1
MAX_BUFFERED_LINES = 500
ATOMIC_BYTES = 4096
"""The largest atomic write to a pipe (PIPE_BUF), so that lines of several workers never mix."""


class LogOutput:
    """Buffers lines for a file descriptor. Lost lines are reported on standard error."""

    def __init__(self, descriptor: int, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._descriptor = descriptor
        self._flush_seconds = flush_seconds
        self._lines: deque[bytes] = deque()
        self._buffered_bytes = 0
        self._is_buffered = True
        self._writing = threading.Lock()
        self._filled = threading.Event()
        threading.Thread(target=self._flush_forever, name="log output", daemon=True).start()

    def write(self, line: bytes) -> None:
        """Buffer a line that ends in a newline. Never raises.

        A full buffer is written by the thread that filled it, if that does not block: the flushing thread
        would take the interpreter's lock from the event loop each time.
        """
        size = self._buffered_bytes + len(line)
        if size > ATOMIC_BYTES and self._is_writable():
            self.write_out()
            size = len(line)
        self._buffered_bytes = size
        lines = self._lines
        lines.append(line)
        if not self._is_buffered or len(lines) >= MAX_BUFFERED_LINES:
            self.write_out()
        elif len(lines) == 1:
            self._filled.set()

    def flush(self) -> None:
        """Called by loggers after each line; does not write yet."""

    def write_out(self) -> None:
        """Write the buffer. Never raises."""
        with self._writing:
            self._buffered_bytes = 0
            try:
                for piece in _pieces(_taken_from(self._lines)):
                    _write_all(self._descriptor, piece)
            except OSError as failure:
                sys.stderr.write(f"Log lines lost: {failure}\n")

    def _is_writable(self) -> bool:
        """Whether a piece can be written now without blocking."""
        if self._descriptor < 0:
            return False  # `write_out` reports that
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0))

    def stop_buffering(self) -> None:
        """Write the buffer, and from now on each line at once: the process may end at any time."""
        self._is_buffered = False
        self.write_out()

    def _flush_forever(self) -> None:
        while True:
            self._filled.wait()
            self._filled.clear()
            time.sleep(self._flush_seconds)
            self.write_out()


def _taken_from(lines: deque[bytes]) -> Iterator[bytes]:
    """Removes and returns the buffered lines, while other threads may append."""
    while lines:
        yield lines.popleft()


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Groups of whole lines, each as large as a pipe writes atomically."""
    piece = bytearray()
    for line in lines:
        if piece and len(piece) + len(line) > ATOMIC_BYTES:
            yield bytes(piece)
            piece.clear()
        piece += line
    if piece:
        yield bytes(piece)


def _write_all(descriptor: int, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(descriptor, left) :]


class _Logger(structlog.BytesLogger):
    """Writes to a LogOutput; errors at once."""

    def __init__(self, output: LogOutput, name: str | None) -> None:
        super().__init__(cast("BinaryIO", output), name=name)
        self._output = output

    def error(self, message: bytes) -> None:
        """structlog's name for `exception`."""
        self.msg(message)
        self._output.write_out()

    critical = error


class _LibraryHandler(logging.Handler):
    """Records of the standard library's logging, in the same form."""

    def __init__(self, output: LogOutput) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._output.write(self.format(record).encode("utf-8", "backslashreplace") + b"\n")
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)
        if record.levelno >= logging.ERROR:
            self._output.write_out()


def _add_ids(_logger: object, _method: str, event: EventDict) -> EventDict:
    event["requestId"] = current_request_id()
    trace_id = current_trace_id()
    if trace_id is not None:
        event["traceId"] = trace_id
    return event


def _render(_logger: object, _method: str, event: EventDict) -> bytes:
    try:
        return orjson.dumps(event, default=repr)
    except TypeError:  # invalid Unicode, numbers that are too large, keys that are not text
        return json.dumps(event, default=repr).encode()


def _render_text(logger: object, method: str, event: EventDict) -> str:
    return _render(logger, method, event).decode()


class RequestLog:
    """Writes the access log without structlog's processors and without an encoder.

    Its values are words, numbers and redacted paths: nothing in them needs escaping.
    """

    def __init__(self) -> None:
        self._output: LogOutput | None = None
        self._second = 0
        self._moment = ""
        self._service = ""

    def configure(self, output: LogOutput | None, service: str) -> None:
        """Writes to `output`; None discards the lines."""
        self._output = output
        self._service = f'Z","service":"{service}","requestId":"'

    def write(self, method: str, path: str, status: int, seconds: float) -> None:
        """`status` is 0 when the client left before the response; `path` is redacted."""
        output = self._output
        if output is None:
            return
        now = time.time()
        second = int(now)
        if second != self._second:
            self._begin_second(second)
        microseconds = str(int(now * 1_000_000))[-6:]
        tenths = int(seconds * 10_000 + 0.5)  # of a millisecond: to format a float costs more than the rest
        trace_id = current_trace_id()
        end = '"}\n' if trace_id is None else f'","traceId":"{trace_id}"}}\n'
        line = (
            f'{{"method":"{method}","path":"{path}","status":{status},"milliseconds":{tenths // 10}.'
            f"{tenths % 10}{self._moment}{microseconds}{self._service}{current_request_id()}{end}"
        )
        output.write(line.encode())

    def _begin_second(self, second: int) -> None:
        """Format what all lines of this second have in common."""
        self._second = second
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        self._moment = f',"event":"request","level":"info","logger":"access","timestamp":"{moment}.'


REQUEST_LOG = RequestLog()

_output: LogOutput | None = None


def stop_buffering() -> None:
    """From now on each line is written at once. Does nothing if logging is not configured."""
    if _output is not None:
        _output.stop_buffering()


def configure_logging(service: str, level: str) -> None:
    """Log `level` and above as `service` to standard output."""
    global _output
    if _output is None:
        _output = LogOutput(sys.stdout.fileno())
        atexit.register(stop_buffering)
    output = _output

    def add_service(_l: object, _m: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    steps: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_ids,
        structlog.processors.format_exc_info,
        add_service,
    ]
    least = getattr(logging, level.upper())
    REQUEST_LOG.configure(output if least <= logging.INFO else None, service)
    structlog.configure(
        processors=[*steps, _render],
        logger_factory=lambda name=None: _Logger(output, name),
        wrapper_class=structlog.make_filtering_bound_logger(least),
        cache_logger_on_first_use=True,
    )
    handler = _LibraryHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render_text],
        )
    )
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(least)
    for chatty in ("httpx", "httpcore", "urllib3", "pymongo", "aiosqlite", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
