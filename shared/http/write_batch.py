"""Writes at the end of an iteration of the event loop what it has to write (write coalescing)."""

import asyncio
from collections.abc import Callable


class WriteBatch:
    """Flushes any number of connections together. Create it inside a running event loop.

    A write wakes the process at the other end, if that sleeps. Writes that follow each other at once find it
    awake; with the work for a request between them, nearly each of them has to wake it again, which takes
    longer than the write itself.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._flushes: list[Callable[[], None]] = []

    def add(self, flush: Callable[[], None]) -> None:
        """Call `flush`, which must not raise, once everything that can run now has run."""
        if not self._flushes:
            self._loop.call_soon(self._flush)
        self._flushes.append(flush)

    def _flush(self) -> None:
        flushes, self._flushes = self._flushes, []
        for flush in flushes:
            flush()
