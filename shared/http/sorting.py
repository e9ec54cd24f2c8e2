"""Lists in an order that the client chooses. A cursor is valid only for the order and filters it came
from.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.errors import FieldError, InvalidError
from shared.ids import is_id

Entry = TypeVar("Entry")
Value = int | str


@dataclass(frozen=True, slots=True)
class Position:
    """The position of an entry: its sort values, and its id."""

    values: tuple[Value, ...]
    id: str


@dataclass(frozen=True, slots=True)
class SortedSlice:
    """The part of a list to read: at most `limit` entries, those after `after`."""

    limit: int
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Found(Generic[Entry]):
    """An entry and its position in the order."""

    entry: Entry
    position: Position


def cursor_text(position: Position, binding: str) -> str:
    """The cursor after `position` in the list that `binding` describes: its name, order and filters."""
    plain = json.dumps([_digest(binding), *position.values, position.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def position_of(text: str, binding: str, kinds: Sequence[type[Value]]) -> Position:
    """The inverse of `cursor_text`; `kinds` are those of the values.

    Raises:
        InvalidError: `text` is no cursor of this list.
    """
    try:
        plain = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise bad_cursor() from None
    if not isinstance(plain, list) or len(plain) != len(kinds) + 2 or plain[0] != _digest(binding):
        raise bad_cursor()
    values, last_id = plain[1:-1], plain[-1]
    if not all(type(value) is kind for value, kind in zip(values, kinds, strict=True)):
        raise bad_cursor()
    if any(isinstance(value, int) and abs(value) >= 2**62 for value in values):
        raise bad_cursor()
    if not isinstance(last_id, str) or not is_id(last_id):
        raise bad_cursor()
    return Position(tuple(values), last_id.lower())


def _digest(binding: str) -> str:
    return hashlib.sha256(binding.encode()).hexdigest()[:12]


def bad_cursor() -> InvalidError:
    """The error of a cursor that does not belong to the list."""
    return InvalidError.of(FieldError("cursor", "is not a cursor of this list"))
