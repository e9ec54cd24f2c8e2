"""Users in the shapes of shared/contracts/users.py, and the request bodies of clients."""

from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from shared.access.permissions import Role
from shared.clock import to_iso
from shared.contracts.users import PublicUser, UserOut
from shared.http.schemas import ReadableText, SentModel
from user_service.domain import User

LONGEST_NAME = 200

Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), ReadableText]
Email = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
    ReadableText,
]
HttpUrl = Annotated[str, StringConstraints(max_length=2048, pattern=r"^https?://\S+$")]
SentRole = Annotated[Role, Field(strict=False)]


def _none_if_blank(given: object) -> object:
    return None if isinstance(given, str) and not given.strip() else given


AbsentIfBlank = BeforeValidator(_none_if_blank)
"""For optional fields: an empty field in a form counts as absent."""


def public_user(user: User) -> PublicUser:
    """The public profile."""
    return PublicUser(
        id=user.id,
        full_name=user.full_name,
        image_url=user.image_url,
        role=user.role,
        created_at=to_iso(user.created_at),
    )


def user_out(user: User) -> UserOut:
    """The whole user."""
    return UserOut(
        **public_user(user).model_dump(),
        clerk_id=user.clerk_id,
        email=user.email,
        is_blocked=user.is_blocked,
        updated_at=to_iso(user.updated_at),
    )


class Registration(SentModel):
    """A person's registration; the identity provider's record takes precedence."""

    clerk_id: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    full_name: Annotated[Name | None, AbsentIfBlank] = None
    email: Annotated[Email | None, AbsentIfBlank] = None
    image_url: Annotated[HttpUrl | None, AbsentIfBlank] = None
    role: Annotated[str | None, Field(description="None but `user` is given: an admin grants roles")] = None


class BlockBody(SentModel):
    """Sets `isBlocked`; a body without it flips it."""

    is_blocked: bool | None = None


class RoleBody(SentModel):
    """The role to give."""

    role: SentRole
