"""The continuity lease: whether this process may trust what Redis returns.

A writer that cannot reach Redis to invalidate may be killed before it retries. So readers protect themselves:
each process writes a heartbeat to Redis, and trusts it only while the last one that succeeded began less than
`LEASE_SECONDS` ago. After any longer gap (Redis was down, frozen, read-only or lost data) it first gives the
tag `everything` a new version, and bypasses the cache until that has succeeded: what was stored before the
gap is then invalid for all processes.

Processes that hold a lease extend a key that expires after `CONTINUITY_SECONDS`, the continuity. While it
exists, one of them has reached Redis all the time. So a process that starts, or that only was paused itself,
joins them: it trusts Redis and invalidates nothing. The key is only set together with a new version of
`everything`.

A process that is killed may have written something that it did not invalidate. So each process looks once,
`CRASH_CHECK_SECONDS` after its start, for processes that stopped their heartbeats without leaving, and
invalidates everything if there is one. By then, the process that it replaces is no longer taken to be alive.

A writer whose invalidation fails does not acknowledge its write before the invalidation succeeded, or before
its attempts have failed for `LEASE_SECONDS` and `MARGIN_SECONDS`: by then all leases have ended.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from shared import metrics
from shared.cache.entry import EVERYTHING
from shared.cache.store import CacheDownError, CacheRefusedError, Store

LEASE_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 0.05
CONTINUITY_SECONDS: Final = 1
CRASH_CHECK_SECONDS: Final = 2.5
MARGIN_SECONDS: Final = 0.3
"""What a writer waits beyond the lease: for one failed attempt, and clocks that differ in speed."""

log = structlog.stdlib.get_logger(__name__)


class Lease:
    """Held, or lost. Until `start` it is held as long as the store responds: for a store in this process.

    All times are in the seconds of `clock`.
    """

    def __init__(
        self,
        store: Store,
        *,
        lease_seconds: float = LEASE_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        margin_seconds: float = MARGIN_SECONDS,
        crash_check_seconds: float = CRASH_CHECK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lease_seconds = lease_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._retry_seconds = retry_seconds
        self._margin_seconds = margin_seconds
        self._crash_check_seconds = crash_check_seconds
        self._clock = clock
        self._held = True
        self._is_available = True
        self._held_since = 0.0
        self._ends_at = float("inf")
        self._losses = 0
        self._failing_since: float | None = None
        self._failed_at = 0.0
        self._failing_until = 0.0
        self._failure: str | None = None
        self._reported: set[str] = set()
        self._wake = asyncio.Event()
        self._regained = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None
        self._is_started = False
        self._is_closed = False
        self._must_invalidate = True
        self._has_beaten = False
        self._checking: asyncio.Task[None] | None = None

    def is_usable(self) -> bool:
        """Whether the store should be read now."""
        if self._held and self._clock() > self._ends_at:
            self._expire()
        return self._held and self._is_available

    def covers(self, asked_at: float) -> bool:
        """Whether a response that is here now, to a read that started at `asked_at`, can be trusted."""
        return self.is_usable() and asked_at >= self._held_since

    def lose(self, cause: str = "invalidation interrupted") -> None:
        """Bypass the cache until `everything` has a new version. `cause` is logged unless Redis fails."""
        self._losses += 1
        self._must_invalidate = True
        self._expire(cause)

    def _expire(self, cause: str = "no heartbeat in time") -> None:
        if self._held:
            self._held = False
            metrics.BREAKER_OPEN.labels("redis").set(1)
            self._report(self._failure or cause)
        self._act()

    def _report(self, cause: str) -> None:
        """Log that the cache is bypassed: once in an outage for each cause, not for each retry."""
        if cause not in self._reported:
            self._reported.add(cause)
            log.warning("cache bypassed", error=cause, invalidates=self._must_invalidate)

    def failed(self, failure: CacheDownError) -> None:
        """An operation failed: read nothing more before a heartbeat succeeds."""
        self._note(failure)
        self._act()

    async def until_nobody_trusts(self) -> None:
        """After `lose`: waits until `everything` is invalidated, or no process can hold its lease any
        more.

        Only attempts prove that Redis fails: while this process was stopped, Redis may have served others.
        Of a long attempt only the start counts.
        """
        while not self._held and not self._has_ended_everywhere():
            self._regained.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._retry_seconds):
                    await self._regained.wait()

    def _has_ended_everywhere(self) -> bool:
        if self._failing_since is None:
            return False
        failing_until = self._clock() if self._is_closed else self._failing_until
        return failing_until >= self._failing_since + self._lease_seconds + self._margin_seconds

    def _note(self, failure: CacheDownError, began_at: float | None = None) -> None:
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        elif began_at is not None and began_at - self._failed_at > self._lease_seconds / 2:
            # This process was paused, so Redis may have failed all the time.
            self._failing_since = now
        if began_at is not None or self._failing_since == now:
            self._failed_at = now
            self._failing_until = now if began_at is None else began_at
        self._is_available = False
        self._failure = failure.kind
        if not self._held:
            self._report(failure.kind)
        elif isinstance(failure, CacheRefusedError):
            self.lose()
        elif now > self._ends_at:
            self._expire()

    def _act(self) -> None:
        self._wake.set()
        if self._is_closed:
            return
        if self._beating is None or self._beating.done():
            self._beating = asyncio.ensure_future(self._beat_forever())

    async def _beat_forever(self) -> None:
        while True:
            self._wake.clear()
            began_at = self._clock()
            try:
                await self._next_step()
            except CacheDownError as failure:
                self._note(failure, began_at)
            if self._held and self._is_available:
                if not self._is_started:
                    return
                await self._pause(self._heartbeat_seconds)
            else:
                await asyncio.sleep(self._retry_seconds)

    async def _next_step(self) -> None:
        if self._held:
            await self._beat()
        elif self._must_invalidate:
            await self._regain()
        else:
            await self._join()

    async def _beat(self) -> None:
        began_at = self._clock()
        remembers = await self._store.beat()
        if not remembers or (
            self._is_started and not await self._store.extend_continuity(CONTINUITY_SECONDS)
        ):
            self.lose("continuity lost")
        elif self._clock() > self._ends_at:
            self._expire()
        elif self._held:
            self._succeeded(began_at)

    async def _join(self) -> None:
        """Hold the lease without invalidating anything if another process does; else `_regain` is next."""
        began_at, losses = self._clock(), self._losses
        remembers = await self._store.beat() or not self._has_beaten
        if remembers and await self._store.extend_continuity(CONTINUITY_SECONDS):
            self._gained(began_at, losses)
        else:
            self._must_invalidate = True

    async def _regain(self) -> None:
        """Invalidate `everything` and hold the lease. Repeated if the lease was lost again in the meantime:
        then `everything` may have been invalidated too early; and if the heartbeat is new to Redis: then it
        may have lost the new version.
        """
        began_at, losses = self._clock(), self._losses
        await self._store.begin_continuity(CONTINUITY_SECONDS)
        if await self._store.beat():
            self._gained(began_at, losses)

    def _gained(self, began_at: float, losses: int) -> None:
        if losses != self._losses or self._clock() - began_at > self._lease_seconds:
            return
        self._held = self._has_beaten = True
        self._must_invalidate = False
        self._held_since = self._clock()
        self._regained.set()
        metrics.BREAKER_OPEN.labels("redis").set(0)
        log.info("cache lease acquired")
        self._succeeded(began_at)

    def _succeeded(self, began_at: float) -> None:
        self._is_available = True
        self._failing_since = self._failure = None
        self._reported.clear()
        if self._is_started:
            self._ends_at = began_at + self._lease_seconds

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def start(self) -> None:
        """Start the heartbeats. The lease begins as lost."""
        self._is_started = True
        self._held = self._must_invalidate = False
        metrics.BREAKER_OPEN.labels("redis").set(1)
        self._act()
        self._checking = asyncio.ensure_future(self._invalidate_after_crashes())

    async def _invalidate_after_crashes(self) -> None:
        await asyncio.sleep(self._crash_check_seconds)
        is_checked = False
        while not is_checked:
            try:
                if crashed := await self._store.crashed_processes():
                    log.warning("everything is invalidated after a crash", processes=len(crashed))
                    await self._store.renew([EVERYTHING])
                    await self._store.remove_processes(crashed)
                is_checked = True
            except CacheDownError as failure:
                self.failed(failure)
                await asyncio.sleep(self._heartbeat_seconds)

    async def close(self) -> None:
        """End the heartbeats, and leave once nothing is left to invalidate."""
        self._is_closed = True
        tasks = [each for each in (self._beating, self._checking) if each is not None]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._is_started:
            # If Redis is down, this process will be taken for a crashed one: more is invalidated than needed.
            with suppress(CacheDownError):
                while self._must_invalidate:
                    self._must_invalidate = False  # until the lease is lost once more
                    await self._store.renew([EVERYTHING])
                await self._store.leave()
