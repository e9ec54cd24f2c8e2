"""A circuit breaker: while most calls fail, further calls are refused, until a probe call succeeds.

Closed, it lets calls through; open, it refuses them; half-open, after the reset timeout, it lets one probe
call through at a time. Nothing is scheduled. Each call is reported once: succeeded, failed, or abandoned when
its outcome says nothing about the dependency.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from shared import metrics

_BUCKETS = 10


@dataclass(frozen=True, slots=True)
class CircuitBreakerPolicy:
    """Opens when at least `failure_rate` (0..1) of at least `minimum_calls` within `window_seconds` failed.

    Stays open for `reset_timeout_seconds`. A probe call that has not ended after `probe_seconds` no longer
    blocks the next one: an upload may take minutes.
    """

    failure_rate: float = 0.5
    minimum_calls: int = 10
    window_seconds: float = 10.0
    reset_timeout_seconds: float = 1.0
    probe_seconds: float = 5.0


@dataclass(slots=True)
class _Bucket:
    """The calls that ended within a tenth of the window, from `since` on."""

    since: float
    calls: int = 0
    failures: int = 0


class CircuitBreaker:
    """The breaker of the dependency `name`, also in metrics. `clock` returns monotonic seconds."""

    def __init__(
        self, name: str, policy: CircuitBreakerPolicy, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._buckets: deque[_Bucket] = deque()
        self._bucket_seconds = policy.window_seconds / _BUCKETS
        self._bucket_ends_at = -math.inf
        self._opened_at: float | None = None
        self._probe: Call | None = None
        # Counts state changes: the outcome of a call from another epoch is ignored.
        self._epoch = 0
        self._is_open_metric = metrics.BREAKER_OPEN.labels(name)
        self._is_open_metric.set(0)

    @property
    def is_open(self) -> bool:
        """Whether calls are refused, except for probe calls."""
        return self._opened_at is not None

    @property
    def retry_after_seconds(self) -> int:
        """Whole seconds, at least 1, after which a refused call may be let through."""
        if self._opened_at is None:
            return 1
        return max(1, math.ceil(self._opened_at + self._policy.reset_timeout_seconds - self._clock()))

    def try_call(self) -> "Call | None":
        """Let a call through, or refuse it with None."""
        now = self._clock()
        if self._opened_at is None:
            return Call(self, self._epoch, now)
        if now < self._opened_at + self._policy.reset_timeout_seconds:
            return None
        if self._probe is not None and now < self._probe.since + self._policy.probe_seconds:
            return None
        self._probe = Call(self, self._epoch, now)
        return self._probe

    def bypass(self) -> "Call":
        """Let a call through whatever the state is. It counts like any other."""
        return Call(self, self._epoch, self._clock())

    def end(self, call: "Call", failed: bool | None) -> None:
        """`call` ended; `failed` is None when it was abandoned."""
        if call.epoch != self._epoch:
            return
        now = self._clock()
        if self._opened_at is None:
            if failed is not None:
                self._count(now, failed)
            return
        if call is self._probe:
            self._probe = None
        if failed:
            self._opened_at = now
        elif failed is False:
            self._move(None)

    def _count(self, now: float, failed: bool) -> None:
        buckets, policy = self._buckets, self._policy
        if now >= self._bucket_ends_at:
            self._bucket_ends_at = now + self._bucket_seconds
            buckets.append(_Bucket(now))
            self._drop_old(now)
        bucket = buckets[-1]
        bucket.calls += 1
        if not failed:
            return
        bucket.failures += 1
        self._drop_old(now)
        calls = sum(bucket.calls for bucket in buckets)
        failures = sum(bucket.failures for bucket in buckets)
        if calls >= policy.minimum_calls and failures >= policy.failure_rate * calls:
            self._move(now)

    def _drop_old(self, now: float) -> None:
        while self._buckets[0].since <= now - self._policy.window_seconds:
            self._buckets.popleft()

    def _move(self, opened_at: float | None) -> None:
        self._opened_at = opened_at
        self._probe = None
        self._epoch += 1
        self._buckets.clear()
        self._bucket_ends_at = -math.inf
        self._is_open_metric.set(self.is_open)


class Call:
    """One call that was let through. Only its first reported outcome counts."""

    __slots__ = ("_breaker", "epoch", "since")

    def __init__(self, breaker: CircuitBreaker, epoch: int, since: float) -> None:
        self.epoch = epoch
        self.since = since
        self._breaker: CircuitBreaker | None = breaker

    def succeeded(self) -> None:
        """There was a response, with any status."""
        breaker = self._breaker
        if breaker is not None:
            self._breaker = None
            breaker.end(self, failed=False)

    def failed(self) -> None:
        """There was no connection, no response in time, or no valid one."""
        self._end(failed=True)

    def abandoned(self) -> None:
        """The caller left, or the request was refused: its outcome says nothing about the dependency."""
        self._end(failed=None)

    def _end(self, failed: bool | None) -> None:
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.end(self, failed)
