"""Users: what they are and what can be wrong with a wish about them."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from shared.access.permissions import Role
from shared.errors import ConflictError, ForbiddenError, NotFoundError


@dataclass(frozen=True, slots=True)
class User:
    """A registered person. `clerk_id` is their identity at Clerk, `email` is in lower case.

    `profile_at` is when the identity provider's record was changed that was applied last.
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
    """What the identity provider knows of a person; None where it knows nothing. `email` is in lower case.

    `updated_at` is when that was changed.
    """

    full_name: str | None
    email: str | None
    email_is_verified: bool
    image_url: str | None
    updated_at: datetime | None = field(default=None, compare=False)


def digest_of_email(email: str) -> str:
    """What is kept of a deleted user's e-mail address, to recognize it by."""
    return hashlib.sha256(email.encode()).hexdigest()


class UserNotFoundError(NotFoundError):
    """No such user."""

    code = "user_not_found"

    def __init__(self) -> None:
        super().__init__("User not found")


class UserNotRegisteredError(NotFoundError):
    """The token is good, but nobody registered with it; the front end then registers."""

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
    """A role was asked for at registration."""

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
    """Somebody else changed the user between reading and writing them, again and again."""

    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("The user was changed at the same time; try again")


class LastAdminError(ConflictError):
    """It would leave the system without an admin who can act."""

    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("The last admin stays")
