"""A timer that is moved with every request: moving it costs an assignment, not a new timer."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls `expired` when `seconds` have passed since the last `start`, unless it was stopped or moved."""

    __slots__ = ("_at", "_expired", "_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._at: float | None = None
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has neither expired nor been stopped."""
        return self._at is not None

    def start(self, seconds: float) -> None:
        """Start or move the deadline. A timer that fires earlier is kept: it then waits for the rest."""
        self._at = at = self._loop.time() + seconds
        handle = self._handle
        if handle is None or handle.when() > at:
            if handle is not None:
                handle.cancel()
            self._handle = self._loop.call_at(at, self._fire)

    def stop(self) -> None:
        """Nothing expires until the next `start`."""
        self._at = None

    def close(self) -> None:
        """Stop, and cancel the timer."""
        self._at = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        if self._at is None:
            return
        if self._at > self._loop.time() + 0.001:
            self._handle = self._loop.call_at(self._at, self._fire)
            return
        self._at = None
        self._expired()
