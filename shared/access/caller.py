"""The principal of a request: a user, anonymous, or an unverified caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from shared.access.permissions import PERMISSIONS_OF_ROLE, Permission, Role
from shared.cache.entry import Content
from shared.errors import ForbiddenError, NotFoundError, UnauthenticatedError, UnavailableError


class BlockedError(ForbiddenError):
    """An admin blocked this user, who may still do what anonymous may, and read `GET /auth/me`."""

    code = "user_blocked"

    def __init__(self) -> None:
        super().__init__("Your account is blocked")


class NotRegisteredError(ForbiddenError):
    """The token is valid, but nobody has registered with it."""

    code = "user_not_registered"

    def __init__(self) -> None:
        super().__init__("Register first")


class RoleError(ForbiddenError):
    """The caller's role does not allow this."""

    code = "role_not_allowed"

    def __init__(self) -> None:
        super().__init__("Your role does not allow this")


class SignInError(UnauthenticatedError):
    """No token came with a request that needs one."""

    code = "sign_in_required"

    def __init__(self) -> None:
        super().__init__("Sign in first")


class InvalidTokenError(UnauthenticatedError):
    """The token is not valid: expired, forged, or issued for somebody else."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__("The session token is not valid; sign in again")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified session token says. `expires_at` is in seconds since 1970."""

    clerk_id: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Caller:
    """A registered user who sends a request. `token` lets a service act for them in another.

    `read_as` is the cached content that this was read from; None when it was not read through the cache.
    """

    id: str
    clerk_id: str
    full_name: str
    role: Role
    is_blocked: bool
    token: str
    read_as: Content | None = field(default=None, compare=False, repr=False)

    def may(self, permission: Permission) -> bool:
        """Whether the caller's role has this permission."""
        return permission in PERMISSIONS_OF_ROLE[self.role]

    def must(self, permission: Permission) -> None:
        """Require this permission of the caller's role.

        Raises:
            RoleError: it does not.
        """
        if not self.may(permission):
            raise RoleError


def allowed(caller: Caller | None, permission: Permission) -> Caller:
    """The caller, if they are registered, unblocked and of a role that has `permission`.

    Raises:
        NotRegisteredError, BlockedError, RoleError: they are not.
    """
    if caller is None:
        raise NotRegisteredError
    if caller.is_blocked:
        raise BlockedError
    caller.must(permission)
    return caller


@dataclass(frozen=True, slots=True)
class UnverifiedCaller:
    """A caller whose token is valid but whose user cannot be read now. They may do what anonymous may.

    What anonymous may not see may be theirs: `failure` is raised for that.
    """

    failure: UnavailableError


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a verified token says, and its owner as far as the request needed to know.

    Guards put it into the request's scope as `CREDENTIALS`, for the cache headers of responses.
    """

    token_expires_at: float
    caller: Caller | None = None
    were_optional: bool = False
    """Whether a request without a token would have been served as well."""


CREDENTIALS = "credentials"

Principal: TypeAlias = Caller | UnverifiedCaller | None
"""The principal of a request; None for anonymous."""


@contextmanager
def not_found_as_unavailable(principal: Principal) -> Iterator[None]:
    """Within it, "not found" is only raised for callers whose permissions are known.

    Raises:
        UnavailableError: in place of any NotFoundError, to an UnverifiedCaller.
    """
    try:
        yield
    except NotFoundError as nothing:
        if isinstance(principal, UnverifiedCaller):
            raise principal.failure from nothing
        raise
