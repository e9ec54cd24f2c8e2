"""Writes to many connections together (write coalescing)."""

import asyncio
from collections.abc import Callable

import structlog

log = structlog.stdlib.get_logger(__name__)


class WriteBatch:
    """Collects writes while callbacks and tasks run, and does them together. Create it inside a running
    event loop.

    A write wakes the process at the other end, if that sleeps. Writes that follow each other at once find it
    awake; with the work for a request between them, nearly each of them has to wake it again, which takes
    longer than the write itself.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._writes: list[Callable[[], None]] = []

    def add(self, write: Callable[[], None]) -> None:
        """Call `write` after everything that can run now. Sockets may be read once before that."""
        if not self._writes:
            self._loop.call_soon(self._do_all)
        self._writes.append(write)

    def _do_all(self) -> None:
        writes, self._writes = self._writes, []
        for write in writes:
            try:
                write()
            except Exception:  # the other connections have nothing to do with it
                log.exception("a write failed")
