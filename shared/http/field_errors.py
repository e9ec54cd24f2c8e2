"""Translates pydantic's field errors into short messages for people."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.errors import REQUIRED, FieldError

_MESSAGES: Mapping[str, str] = {
    "missing": REQUIRED,
    "string_type": "must be text",
    "string_unicode": "must be text",
    "string_pattern_mismatch": "has the wrong format",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_from_float": "must be a whole number",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "string_too_short": lambda limits: f"at least {_plural(limits['min_length'], 'character')}",
    "string_too_long": lambda limits: f"at most {_plural(limits['max_length'], 'character')}",
    "too_short": lambda limits: f"at least {_plural(limits['min_length'], 'item')}",
    "too_long": lambda limits: f"at most {_plural(limits['max_length'], 'item')}",
    "greater_than_equal": lambda limits: f"at least {limits['ge']}",
    "less_than_equal": lambda limits: f"at most {limits['le']}",
    "enum": lambda limits: f"must be {limits['expected']}",
    "literal_error": lambda limits: f"must be {limits['expected']}",
}


def field_errors_of(found: Sequence[Mapping[str, Any]], *, in_request: bool = False) -> list[FieldError]:
    """The errors of a pydantic ValidationError, in its order.

    `in_request`: each location begins with the part of the request (`body`, `query`), as FastAPI's do.
    """
    return [_field_error(each, each["loc"][1:] if in_request else each["loc"]) for each in found]


def _field_error(error: Mapping[str, Any], location: Sequence[str | int]) -> FieldError:
    field = ".".join(str(part) for part in location) or "body"
    kind = error["type"]
    if kind in _LIMITS:
        return FieldError(field, _LIMITS[kind](error["ctx"]))
    return FieldError(field, _MESSAGES.get(kind) or error["msg"].removeprefix("Value error, "))
