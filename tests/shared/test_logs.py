"""What a process writes to its standard output."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.logs import ATOMIC_BYTES, MAX_BUFFERED_LINES, LogOutput, RequestLog

PROJECT = Path(__file__).parents[2]
LONG_SECONDS = 30.0


def said_by(program: str, **options: Any) -> list[dict[str, Any]]:
    """The lines of a process that configured logging, then ran `program`."""
    prelude = (
        "import logging, os, signal, structlog\n"
        "from shared.logs import configure_logging, stop_buffering\n"
        "configure_logging('any-service', 'info')\n"
        "log = structlog.stdlib.get_logger('ours')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", prelude + program], cwd=PROJECT, capture_output=True, timeout=30, **options
    )
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


class Pipe:
    """An output into a pipe that nobody reads but the test."""

    def __init__(self, flush_seconds: float) -> None:
        self._reading, writing = os.pipe()
        os.set_blocking(self._reading, False)
        self.output = LogOutput(writing, flush_seconds)

    def read(self) -> bytes:
        try:
            return os.read(self._reading, 10 * ATOMIC_BYTES)
        except BlockingIOError:
            return b""


def test_request_line_has_its_fields() -> None:
    pipe = Pipe(flush_seconds=LONG_SECONDS)
    requests = RequestLog()
    requests.configure(pipe.output, "any-service")
    began_at = datetime.now(UTC)
    requests.write("GET", "/songs/…", 200, 0.01234)
    pipe.output.write_out()
    line = json.loads(pipe.read())
    assert began_at <= datetime.fromisoformat(line.pop("timestamp")) <= datetime.now(UTC)
    assert line == {
        "method": "GET",
        "path": "/songs/…",
        "status": 200,
        "milliseconds": 12.3,
        "event": "request",
        "level": "info",
        "logger": "access",
        "service": "any-service",
        "requestId": "-",
    }


def test_libraries_log_in_the_same_format() -> None:
    ours, theirs = said_by("log.info('said', count=1)\nlogging.getLogger('library').warning('%s', 'said')")
    assert ours == {
        "event": "said",
        "count": 1,
        "level": "info",
        "logger": "ours",
        "service": "any-service",
        "requestId": "-",
        "timestamp": ours["timestamp"],
    }
    assert theirs["timestamp"] >= ours["timestamp"]
    assert theirs | {"timestamp": 0} == {
        "event": "said",
        "level": "warning",
        "logger": "library",
        "service": "any-service",
        "requestId": "-",
        "timestamp": 0,
    }


def test_exceptions_are_logged_with_their_traceback() -> None:
    program = "try: 1 / 0\nexcept ArithmeticError:\n log.exception('ours')\n logging.exception('theirs')\n"
    for line in said_by(program):
        assert line["level"] == "error"
        assert "ZeroDivisionError" in line["exception"]


def test_lower_levels_are_left_out() -> None:
    assert said_by("log.debug('ours')\nlogging.getLogger('x').debug('theirs')") == []


def test_values_that_are_not_json_are_logged() -> None:
    program = (
        "log.info('said', text='\\udcff', big=2**70, path=object)\nlogging.getLogger('x').warning('\\udcff')"
    )
    ours, theirs = said_by(program)
    assert (ours["text"], ours["big"]) == ("\udcff", 2**70)
    assert theirs["event"] == "\udcff"


def test_normal_exit_loses_no_line() -> None:
    assert len(said_by(f"for _ in range({3 * MAX_BUFFERED_LINES + 1}): log.info('said')")) == (
        3 * MAX_BUFFERED_LINES + 1
    )


def test_lines_after_buffering_stopped_survive_a_kill() -> None:
    program = "log.info('1')\nstop_buffering()\nlog.info('2')\nos.write(1, b'')\nos._exit(0)"
    assert [line["event"] for line in said_by(program)] == ["1", "2"]


def test_error_flushes_the_buffer() -> None:
    program = "log.info('1')\nlog.error('2')\nlog.info('3')\nos._exit(0)"
    assert [line["event"] for line in said_by(program)] == ["1", "2"]
    program = "log.info('1')\nlogging.getLogger('x').error('2')\nlog.info('3')\nos._exit(0)"
    assert [line["event"] for line in said_by(program)] == ["1", "2"]


def test_buffer_is_written_after_the_interval() -> None:
    pipe = Pipe(flush_seconds=0.05)
    pipe.output.write(b"line\n")
    assert pipe.read() == b""
    deadline = time.monotonic() + LONG_SECONDS
    while not (read := pipe.read()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert read == b"line\n"


def test_full_buffer_is_written_at_once() -> None:
    pipe = Pipe(flush_seconds=LONG_SECONDS)
    for _ in range(MAX_BUFFERED_LINES - 1):
        pipe.output.write(b"line\n")
    assert pipe.read() == b""
    pipe.output.write(b"last\n")
    assert pipe.read().endswith(b"line\nlast\n")


def test_full_piece_is_written_by_its_writer() -> None:
    pipe = Pipe(flush_seconds=LONG_SECONDS)
    line = b"x" * 999 + b"\n"
    for _ in range(ATOMIC_BYTES // 1000):
        pipe.output.write(line)
    assert pipe.read() == b""
    pipe.output.write(line)
    assert pipe.read() == line * (ATOMIC_BYTES // 1000)


def test_full_pipe_does_not_block_the_writer() -> None:
    """Until the buffer is full, too."""
    pipe = Pipe(flush_seconds=LONG_SECONDS)
    line = b"x" * 999 + b"\n"
    began_at = time.monotonic()
    for _ in range(MAX_BUFFERED_LINES - 1):
        pipe.output.write(line)
    assert time.monotonic() - began_at < LONG_SECONDS
    written = 0
    while read := pipe.read():
        written += len(read)
    assert 0 < written < MAX_BUFFERED_LINES * len(line)


def test_writes_are_whole_lines_within_pipe_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[bytes] = []

    def write(_: int, piece: memoryview) -> int:
        pieces.append(bytes(piece))
        return len(piece)

    output = LogOutput(-1, flush_seconds=LONG_SECONDS)
    monkeypatch.setattr("shared.logs.os.write", write)
    line = b"x" * 999 + b"\n"
    for _ in range(10):
        output.write(line)
    output.write_out()
    assert pieces == [line * 4, line * 4, line * 2]


def test_output_that_cannot_be_written_raises_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output = LogOutput(-1, flush_seconds=LONG_SECONDS)
    output.write(b"line\n")
    output.write_out()
    assert "Log lines lost" in capsys.readouterr().err
