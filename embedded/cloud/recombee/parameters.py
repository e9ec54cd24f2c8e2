"""The parameters of one request to the local Recombee, read by name and type.

Every reader raises RecombeeError (400) for a value of the wrong kind. Numbers and flags may come as text, as
they do in a query string. Parameters that were not read are refused at the end, so that unsupported options
are not ignored silently.
"""

import math
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

ID = re.compile(r"[a-zA-Z0-9_\-:@.]+")
# The end of the year 9999. Beyond it somebody sent milliseconds.
LATEST_TIMESTAMP = 253_402_300_799.0


class RecombeeError(Exception):
    """An error response: its status, and the message in its body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def checked_id(name: str, value: object) -> str:
    if not isinstance(value, str) or not ID.fullmatch(value) or value == "undefined":
        raise RecombeeError(400, f"{name} must match ^[a-zA-Z0-9_-:@.]+$ and not be `undefined`")
    return value


def checked_number(name: str, value: object) -> float:
    """A finite number, or text that is one."""
    try:
        number = (
            float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
        )
    except (ValueError, OverflowError):
        number = None
    if number is None or not math.isfinite(number):
        raise RecombeeError(400, f"{name} must be a number")
    return number


def checked_timestamp(name: str, value: object) -> float:
    """Epoch seconds, from a number or an ISO 8601 text, which without an offset is UTC."""
    seconds: float | None = None
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            seconds = None
    if seconds is None:
        seconds = checked_number(name, value)
    if not 0 <= seconds <= LATEST_TIMESTAMP:
        raise RecombeeError(400, f"{name} must be seconds since 1970 (UTC) or an ISO 8601 time")
    return round(seconds, 6)


class Parameters:
    """`given` are the query string's and the body's parameters together."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self._read: set[str] = set()

    def value(self, name: str) -> Any:
        """None when absent: null and absent are the same to this API."""
        self._read.add(name)
        return self.given.get(name)

    def id(self, name: str) -> str:
        return checked_id(name, self.value(name))

    def optional_id(self, name: str) -> str | None:
        return None if self.value(name) is None else self.id(name)

    def text(self, name: str) -> str | None:
        value = self.value(name)
        if value is not None and not isinstance(value, str):
            raise RecombeeError(400, f"{name} must be a text")
        return value

    def number(self, name: str, *, lowest: float, highest: float) -> float | None:
        value = self.value(name)
        if value is None:
            return None
        number = checked_number(name, value)
        if not lowest <= number <= highest:
            raise RecombeeError(400, f"{name} must be from {lowest:g} to {highest:g}")
        return number

    def whole(self, name: str, *, lowest: int, highest: int) -> int | None:
        number = self.number(name, lowest=lowest, highest=highest)
        if number is not None and number != int(number):
            raise RecombeeError(400, f"{name} must be a whole number")
        return None if number is None else int(number)

    def flag(self, name: str) -> bool:
        value = self.value(name)
        if value is None or value is False or value in ("false", "False"):
            return False
        if value is True or value in ("true", "True"):
            return True
        raise RecombeeError(400, f"{name} must be true or false")

    def timestamp(self, name: str) -> float | None:
        value = self.value(name)
        return None if value is None else checked_timestamp(name, value)

    def names(self, name: str) -> list[str] | None:
        """From a list, or a text with commas."""
        value = self.value(name)
        if value is None:
            return None
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise RecombeeError(400, f"{name} must be a list of names")
        return [part for part in parts if part]

    def ignore(self, names: Collection[str]) -> None:
        """For options of the real service that change nothing here and need not."""
        self._read.update(names)

    def refuse_others(self) -> None:
        others = sorted(set(self.given) - self._read)
        if others:
            raise RecombeeError(400, f"Not supported here: {', '.join(others)}")
