"""A rest for whatever keeps failing, so that it does not cost every request its deadline."""

import time
from collections.abc import Callable

from shared import metrics


class Breaker:
    """Opens after `failures_to_open` failures in a row, for `rest_seconds`; then one call at a time tries.

    A call that says nothing, because it was cancelled, holds the others back for `rest_seconds` at most.
    """

    def __init__(
        self,
        name: str,
        failures_to_open: int,
        rest_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._failures_to_open = failures_to_open
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._failures = 0
        self._resting_until = 0.0

    def admits(self) -> bool:
        """Whether to call now. Of those who ask after a rest, the first is told yes."""
        if self._failures < self._failures_to_open:
            return True
        if self._clock() < self._resting_until:
            return False
        self._rest()
        return True

    def failed(self) -> None:
        """A call failed, whether admitted or not."""
        self._failures += 1
        if self._failures >= self._failures_to_open:
            self._rest()
            metrics.BREAKER_OPEN.labels(self._name).set(1)

    def succeeded(self) -> None:
        """A call succeeded, whether admitted or not."""
        if self._failures:
            self._failures = 0
            metrics.BREAKER_OPEN.labels(self._name).set(0)

    def _rest(self) -> None:
        self._resting_until = self._clock() + self._rest_seconds
