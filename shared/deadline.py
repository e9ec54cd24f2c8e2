"""A timer that is moved with every request: moving it costs an assignment, not a new timer."""

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Calls `expired` when `seconds` have passed since the last `start`, unless it was stopped or moved."""

    __slots__ = ("_at", "_expired", "_fires_at", "_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._at: float | None = None
        self._fires_at = math.inf
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has neither expired nor been stopped."""
        return self._at is not None

    def start(self, seconds: float) -> None:
        """Start or move the deadline. A timer that fires earlier is kept: it then waits for the rest."""
        self._at = at = self._loop.time() + seconds
        if at < self._fires_at:
            if self._handle is not None:
                self._handle.cancel()
            self._schedule(at)

    def stop(self) -> None:
        """Nothing expires until the next `start`."""
        self._at = None

    def close(self) -> None:
        """Stop, and cancel the timer."""
        self._at = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._fires_at = math.inf

    def _schedule(self, at: float) -> None:
        self._fires_at = at
        self._handle = self._loop.call_at(at, self._fire)

    def _fire(self) -> None:
        self._handle = None
        self._fires_at = math.inf
        if self._at is None:
            return
        if self._at > self._loop.time() + 0.001:
            self._schedule(self._at)
            return
        self._at = None
        self._expired()
