"""Limits the number of concurrent requests at a service (a bulkhead)."""

import asyncio
from collections import deque


class ConcurrencyLimiter:
    """Grants at most `limit` permits at a time, in the order of requests."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_acquire(self) -> "Permit | None":
        """Returns a permit if one is free now."""
        if self._free <= 0 or self._waiting:
            return None
        self._free -= 1
        return Permit(self)

    async def acquire(self, timeout_seconds: float) -> "Permit":
        """Returns a permit as soon as one is free.

        Raises:
            TimeoutError: none was free in time.
        """
        permit = self.try_acquire()
        if permit is not None:
            return permit
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(granted)
        try:
            async with asyncio.timeout(timeout_seconds):
                await granted
        except BaseException:
            if granted.done() and not granted.cancelled():
                self.release()
            elif granted in self._waiting:
                self._waiting.remove(granted)
            raise
        return Permit(self)

    def release(self) -> None:
        """Called by the permit."""
        while self._waiting:
            granted = self._waiting.popleft()
            if not granted.done():
                granted.set_result(None)
                return
        self._free += 1


class Permit:
    """Call `release` at least once; further calls do nothing."""

    __slots__ = ("_limiter",)

    def __init__(self, limiter: ConcurrencyLimiter) -> None:
        self._limiter: ConcurrencyLimiter | None = limiter

    def release(self) -> None:
        """Return the permit to the limiter."""
        limiter, self._limiter = self._limiter, None
        if limiter is not None:
            limiter.release()
