"""The backoff before a process that ended is restarted."""

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 30.0
HEALTHY_SECONDS = 60.0


class RestartPause:
    """Exponential backoff, up to half a minute: a process that cannot run must not keep the machine busy."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS

    def after(self, lived_seconds: float) -> float:
        """Seconds to wait after a process that ran for this long; a minute without failure resets it."""
        if lived_seconds >= HEALTHY_SECONDS:
            self._next = FIRST_SECONDS
        pause, self._next = self._next, min(2 * self._next, LONGEST_SECONDS)
        return pause
