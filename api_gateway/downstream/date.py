"""`Date` header lines."""

import time
from email.utils import formatdate


class _Clock:
    """The time as a `Date` header line, formatted once a second."""

    def __init__(self) -> None:
        self._until = 0.0
        self._line = b""

    def date_line(self) -> bytes:
        now = time.time()
        if not self._until - 1 <= now < self._until:
            self._until = int(now) + 1
            self._line = b"date: %b\r\n" % formatdate(int(now), usegmt=True).encode("ascii")
        return self._line


date_line = _Clock().date_line
"""This moment as a whole `Date` header line."""
