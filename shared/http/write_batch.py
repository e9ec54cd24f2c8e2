"""Writes to many connections together (write coalescing)."""

import asyncio
from collections.abc import Callable

import structlog

log = structlog.stdlib.get_logger(__name__)


class WriteBatch:
    """Collects writes, and does them after the callbacks and tasks that are ready. Create it inside a running
    event loop.

    A write wakes the receiving process if that sleeps, which costs more than the write itself. Of writes in a
    row, the later ones often find it awake; with other work between them, it has fallen asleep again.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._writes: list[Callable[[], None]] = []

    def add(self, write: Callable[[], None]) -> None:
        """Call `write` after everything that can run now. Sockets may be read once before that."""
        if not self._writes:
            self._loop.call_soon(self._write_all)
        self._writes.append(write)

    def _write_all(self) -> None:
        writes, self._writes = self._writes, []
        for write in writes:
            try:
                write()
            except Exception:  # must not affect the other connections
                log.exception("a write failed")
