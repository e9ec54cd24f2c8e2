"""Kinds of failure. A domain error picks its kind by base class; shared/http/problem.py knows the statuses.

The text of an error is shown to people: it names no host, query, path or exception of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a request that cannot be accepted, and why."""

    field: str
    message: str


class AppError(Exception):
    """A failure that has an answer. Raise one of the kinds below, or an error derived from one."""

    code: ClassVar[str]

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MalformedError(AppError):
    """The request cannot be read at all."""

    code = "malformed"


class UnauthenticatedError(AppError):
    """Nobody, or nobody that can be believed, is asking."""

    code = "unauthenticated"


class ForbiddenError(AppError):
    """Known who asks, and they may not."""

    code = "forbidden"


class NotFoundError(AppError):
    """There is no such thing, or it is not the caller's to know about."""

    code = "not_found"


class ConflictError(AppError):
    """The request contradicts what is stored."""

    code = "conflict"


class TooLargeError(AppError):
    """More bytes than are taken."""

    code = "too_large"


class UnsupportedMediaError(AppError):
    """The bytes are not of a kind that is taken."""

    code = "unsupported_media"


class InvalidError(AppError):
    """Fields that can be read but not accepted."""

    code = "invalid_fields"

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class UnavailableError(AppError):
    """Something that the request needs is down; the same request may succeed later."""

    code = "unavailable"

    def __init__(self, detail: str, retry_after_seconds: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class BadAnswerError(AppError):
    """Another server answered with what nobody can use."""

    code = "bad_answer"


class LateAnswerError(AppError):
    """Another server did not answer in time."""

    code = "late_answer"
