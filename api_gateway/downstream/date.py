"""`Date` headers."""

import time
from email.utils import formatdate


class _Clock:
    """The time as a `Date` header has it, formatted once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._date = b""

    def date(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._date = formatdate(second, usegmt=True).encode("ascii")
        return self._date


http_date = _Clock().date
"""This moment as a `Date` header has it."""
