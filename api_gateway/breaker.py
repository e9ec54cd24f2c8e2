"""A circuit breaker: while most calls to a service fail, the next ones fail at once, until a probe succeeds.

Pure: the clock is passed in and nothing is scheduled. Calls are admitted, and each admission is told once how
it ended: succeeded, failed, or abandoned when that says nothing about the service.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_BUCKETS = 10


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Opens when at least `failure_rate` (0..1) of at least `minimum_calls` within `window_seconds` failed.

    Stays open for `open_seconds`; then one call at a time probes. A probe that has not ended after
    `probe_seconds` no longer keeps others from trying: an upload may take minutes.
    """

    failure_rate: float = 0.5
    minimum_calls: int = 10
    window_seconds: float = 10.0
    open_seconds: float = 1.0
    probe_seconds: float = 5.0


@dataclass(slots=True)
class _Bucket:
    """The calls that ended within a tenth of the window, from `since` on."""

    since: float
    calls: int = 0
    failures: int = 0


class Breaker:
    """The breaker of one service. `clock` returns seconds that never go back; `on_change` gets `is_open`."""

    def __init__(
        self,
        policy: BreakerPolicy,
        clock: Callable[[], float],
        on_change: Callable[[bool], object] | None = None,
    ) -> None:
        self._policy = policy
        self._on_change = on_change
        self._clock = clock
        self._buckets: deque[_Bucket] = deque()
        self._opened_at: float | None = None
        self._probe: Admission | None = None
        # Counts openings and closings: a call admitted in another epoch says nothing about this one.
        self._epoch = 0

    @property
    def is_open(self) -> bool:
        """Whether calls are refused, but for probes."""
        return self._opened_at is not None

    @property
    def retry_after_seconds(self) -> int:
        """Whole seconds, at least 1, after which a refused call may be let through."""
        if self._opened_at is None:
            return 1
        return max(1, math.ceil(self._opened_at + self._policy.open_seconds - self._clock()))

    def admit(self) -> "Admission | None":
        """Let a call through, or refuse it with None."""
        now = self._clock()
        if self._opened_at is None:
            return Admission(self, self._epoch, now)
        if now < self._opened_at + self._policy.open_seconds:
            return None
        if self._probe is not None and now < self._probe.since + self._policy.probe_seconds:
            return None
        self._probe = Admission(self, self._epoch, now)
        return self._probe

    def end(self, admission: "Admission", failed: bool | None) -> None:
        """`admission` ended; `failed` is None when it was abandoned."""
        now = self._clock()
        if admission.epoch != self._epoch:
            return
        if self._opened_at is None:
            if failed is not None:
                self._count(now, failed)
            return
        if admission is self._probe:
            self._probe = None
        if failed:
            self._opened_at = now
        elif failed is False:
            self._move(None)

    def _count(self, now: float, failed: bool) -> None:
        buckets, policy = self._buckets, self._policy
        if not buckets or now >= buckets[-1].since + policy.window_seconds / _BUCKETS:
            buckets.append(_Bucket(now))
        while buckets[0].since <= now - policy.window_seconds:
            buckets.popleft()
        buckets[-1].calls += 1
        buckets[-1].failures += failed
        if not failed:
            return
        calls = sum(bucket.calls for bucket in buckets)
        failures = sum(bucket.failures for bucket in buckets)
        if calls >= policy.minimum_calls and failures >= policy.failure_rate * calls:
            self._move(now)

    def _move(self, opened_at: float | None) -> None:
        self._opened_at = opened_at
        self._probe = None
        self._epoch += 1
        self._buckets.clear()
        if self._on_change is not None:
            self._on_change(self.is_open)


class Admission:
    """One call that was let through. The first ending that it is told counts."""

    def __init__(self, breaker: Breaker, epoch: int, since: float) -> None:
        self.epoch = epoch
        self.since = since
        self._breaker: Breaker | None = breaker

    def succeeded(self) -> None:
        """The service answered, whatever it said."""
        self._end(failed=False)

    def failed(self) -> None:
        """It could not be reached, was late, or answered what nobody can use."""
        self._end(failed=True)

    def abandoned(self) -> None:
        """The client left, or the request was refused: no news of the service."""
        self._end(failed=None)

    def _end(self, failed: bool | None) -> None:
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.end(self, failed)
