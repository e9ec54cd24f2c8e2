"""Invalidates after every write, however it ends: one that failed may be stored nevertheless, or later."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from shared.errors import AppError, UnavailableError

Invalidate = Callable[[], Awaitable[None]]

LATE_WRITE_SECONDS = 8.0
"""How long after a failed write it may still take effect: longer than a database continues one."""


class Writes:
    """Runs the invalidations after each write of one service."""

    def __init__(self, late_write_seconds: float = LATE_WRITE_SECONDS) -> None:
        self._late_write_seconds = late_write_seconds
        self._closing = asyncio.Event()
        self._later: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def then(self, invalidate: Invalidate) -> AsyncIterator[None]:
        """Context manager around one write: `invalidate` runs after it, and again later when its outcome is
        unknown.
        """
        try:
            yield
        except BaseException as failure:
            if not _is_refusal(failure):
                again = asyncio.create_task(self._invalidate_later(invalidate))
                self._later.add(again)
                again.add_done_callback(self._later.discard)
            raise
        finally:
            await invalidate()

    async def _invalidate_later(self, invalidate: Invalidate) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._late_write_seconds):
                await self._closing.wait()
        await invalidate()

    async def close(self) -> None:
        """Run the delayed invalidations now."""
        self._closing.set()
        await asyncio.gather(*self._later)


def _is_refusal(failure: BaseException) -> bool:
    """Whether this failure proves that nothing was stored."""
    return isinstance(failure, AppError) and not isinstance(failure, UnavailableError)


@asynccontextmanager
async def writing() -> AsyncIterator[Writes]:
    """A Writes, closed at the end."""
    writes = Writes()
    try:
        yield writes
    finally:
        await writes.close()
