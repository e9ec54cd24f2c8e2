"""How many requests may be at a service at once (a bulkhead)."""

import asyncio
from collections import deque


class ConcurrencyLimiter:
    """Gives out at most `limit` permits at a time, to those who wait longest first."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_acquire(self) -> "Permit | None":
        """A permit when one is free now."""
        if self._free <= 0 or self._waiting:
            return None
        self._free -= 1
        return Permit(self)

    async def acquire(self, timeout_seconds: float) -> "Permit":
        """A permit as soon as one is free.

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
    """To be released, once or more often."""

    __slots__ = ("_limiter",)

    def __init__(self, limiter: ConcurrencyLimiter) -> None:
        self._limiter: ConcurrencyLimiter | None = limiter

    def release(self) -> None:
        """Let the next one in."""
        limiter, self._limiter = self._limiter, None
        if limiter is not None:
            limiter.release()
