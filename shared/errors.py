"""Kinds of failure. A domain error picks its kind by base class; shared/http/problem.py knows the statuses.

The text of an error is shown to people: it names no host, query, path or exception.
"""

from collections.abc import Sequence
from dataclasses import dataclass

REQUIRED = "is required"

MOST_REASONS = 3
"""At most, in the text of one error: a batch of 500 can have 500."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a request that cannot be accepted, and why: `is required`, or `at most 50 characters`."""

    field: str
    message: str

    @property
    def reason(self) -> str:
        """Field and message as people read them: `Title is required`, `title: at most 50 characters`."""
        if not self.message.startswith(("is ", "must ", "has ")):
            return f"{self.field}: {self.message}"
        is_word = self.field.isalpha() and self.field.islower()
        return f"{self.field.capitalize() if is_word else self.field} {self.message}"


def reasons_of(errors: Sequence[FieldError]) -> str:
    """The first reasons, as one text: what the front end shows to people."""
    reasons = list(dict.fromkeys(each.reason for each in errors))
    more = len(reasons) - MOST_REASONS
    return "; ".join([*reasons[:MOST_REASONS], *([f"and {more} more"] if more > 0 else [])])


class AppError(Exception):
    """A failure with a documented response. Raise one of the kinds below, or an error derived from one.

    `code` is the kind's; an error passed on from another service keeps its code.
    """

    code: str

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MalformedError(AppError):
    """The request cannot be read at all."""

    code = "malformed"


class UnauthenticatedError(AppError):
    """The request has no valid credentials."""

    code = "unauthenticated"


class ForbiddenError(AppError):
    """The caller is known and not allowed to do this."""

    code = "forbidden"


class NotFoundError(AppError):
    """The resource does not exist, or the caller may not know that it does."""

    code = "not_found"


class ConflictError(AppError):
    """The request contradicts what is stored."""

    code = "conflict"


class PreconditionFailedError(AppError):
    """A precondition of the request no longer holds."""

    code = "precondition_failed"


class TooLargeError(AppError):
    """The request has more bytes than are accepted."""

    code = "too_large"


class UnsupportedMediaError(AppError):
    """A media type that is not accepted."""

    code = "unsupported_media"


class InvalidError(AppError):
    """Fields that can be read but not accepted."""

    code = "invalid_fields"

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)

    @classmethod
    def of(cls, *errors: FieldError) -> "InvalidError":
        """Of these fields, with their reasons as the text."""
        return cls(reasons_of(errors), errors)


class TooManyRequestsError(AppError):
    """The client has used up the `quota` of `limit`; a new window begins in `retry_after_seconds`."""

    code = "too_many_requests"

    def __init__(self, limit: str, quota: int, window_seconds: int, retry_after_seconds: int) -> None:
        super().__init__("Too many requests, try again later")
        self.limit = limit
        self.quota = quota
        self.window_seconds = window_seconds
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(AppError):
    """A dependency of the request is down; the same request may succeed later."""

    code = "unavailable"

    def __init__(self, detail: str, retry_after_seconds: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class BadResponseError(AppError):
    """Another server sent a response that cannot be used."""

    code = "bad_answer"


class LateResponseError(AppError):
    """Another server did not respond in time."""

    code = "late_answer"
