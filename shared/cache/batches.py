"""Reads of concurrent requests, in batches: one round trip to Redis for all of them.

While a batch is in flight, later requests wait for the next one, which starts when it has returned. A request
only uses a batch that started after the request, so it sees every write that was acknowledged before.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from shared.cache.store import CacheDownError

Get = Callable[[Sequence[str]], Awaitable[Sequence[bytes | None]]]


class Batch:
    """The union of the keys that some requests read, and then their values."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.waiting: list[asyncio.Future[Batch]] = []
        self.started_at = 0.0
        self.found: Mapping[str, bytes | None] = {}

    def end(self, failure: BaseException | None) -> None:
        """Wake all requests that wait for it. It drops its references to them first, so that no cycle
        remains.
        """
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            if each.done():
                continue  # its request was cancelled
            if failure is None:
                each.set_result(self)
            else:
                each.set_exception(failure)


class BatchedReads:
    """Reads keys with `get`, one batch at a time. `started_at` of a batch is in the seconds of `clock`."""

    def __init__(self, get: Get, clock: Callable[[], float] = time.monotonic) -> None:
        self._get = get
        self._clock = clock
        self._next: Batch | None = None
        self._running: asyncio.Task[None] | None = None

    def read(self, keys: Iterable[str]) -> "asyncio.Future[Batch]":
        """Returns the batch that has `keys`, once it has been read.

        Raises:
            CacheDownError: when awaited.
        """
        batch = self._next
        if batch is None:
            batch = self._next = Batch()
            if self._running is None:
                self._running = asyncio.ensure_future(self._run())
        batch.keys.update(keys)
        waiting: asyncio.Future[Batch] = asyncio.get_running_loop().create_future()
        batch.waiting.append(waiting)
        return waiting

    async def _run(self) -> None:
        """Runs until no request waits. Requests of the same event loop iteration have joined when this
        begins.
        """
        try:
            while (batch := self._next) is not None:
                self._next = None
                await self._read(batch)
        finally:
            self._running = None

    async def _read(self, batch: Batch) -> None:
        keys = list(batch.keys)
        batch.started_at = self._clock()
        failure: BaseException | None = CacheDownError("the batch was cancelled")
        try:
            batch.found = dict(zip(keys, await self._get(keys), strict=True))
            failure = None
        except Exception as error:  # noqa: BLE001 - each who waits raises it
            failure = error
        finally:
            batch.end(failure)

    async def close(self) -> None:
        """Cancel what is in flight."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self._next is not None:
            self._next.end(CacheDownError("the cache is closed"))
