"""Users, and the errors of requests about them."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from shared.access.permissions import Role
from shared.errors import ConflictError, ForbiddenError, NotFoundError


@dataclass(frozen=True, slots=True)
class User:
    """A registered person. `clerk_id` is their identity at Clerk, `email` is in lower case.

    `profile_at` is the time of the last applied change of the identity provider's record.
    """

    id: str
    clerk_id: str
    full_name: str
    email: str
    image_url: str
    role: Role
    is_blocked: bool
    created_at: datetime
    updated_at: datetime
    profile_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """A person's profile at the identity provider; None where a field is unknown. `email` is in lower case.

    `updated_at` is the time of its last change.
    """

    full_name: str | None
    email: str | None
    email_is_verified: bool
    image_url: str | None
    updated_at: datetime | None = field(default=None, compare=False)


def digest_of_email(email: str) -> str:
    """A digest of a deleted user's e-mail address, to recognise it."""
    return hashlib.sha256(email.encode()).hexdigest()


class UserNotFoundError(NotFoundError):
    """There is no such user."""

    code = "user_not_found"

    def __init__(self) -> None:
        super().__init__("User not found")


class UserNotRegisteredError(NotFoundError):
    """The token is valid, but nobody has registered with it; the front end then registers."""

    code = "user_not_registered"

    def __init__(self) -> None:
        super().__init__("User not registered")


class EmailTakenError(ConflictError):
    """Another account has this e-mail address."""

    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("This e-mail address belongs to another account")


class AlreadyRegisteredError(ConflictError):
    """Somebody registered with this identity already."""

    code = "already_registered"

    def __init__(self) -> None:
        super().__init__("Already registered")


class OtherIdentityError(ForbiddenError):
    """`clerkId` is not the one that the token proves."""

    code = "other_identity"

    def __init__(self) -> None:
        super().__init__("You can only register yourself")


class RoleNotGrantedError(ForbiddenError):
    """A role was requested at registration."""

    code = "role_not_granted"

    def __init__(self) -> None:
        super().__init__("Only an admin grants roles")


class UnprovedEmailError(ForbiddenError):
    """The e-mail address has to be verified at the identity provider first."""

    code = "email_not_verified"

    def __init__(self) -> None:
        super().__init__("Verify this e-mail address first")


class SelfChangeError(ConflictError):
    """Admins cannot block, demote or delete themselves."""

    code = "own_account"

    def __init__(self) -> None:
        super().__init__("You cannot block, demote or delete your own account")


class UserChangedMeanwhileError(ConflictError):
    """Concurrent changes of the user exceeded the attempts."""

    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("The user was changed at the same time; try again")


class LastAdminError(ConflictError):
    """No admin who can act would remain."""

    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("Make somebody else an admin first")
