"""The shapes of users on the wire, and of what clients send about them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from shared.access.permissions import Role
from shared.clock import to_iso
from shared.schemas import OneLine, SentModel
from user_service.domain import User

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), OneLine]
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
]
HttpUrl = Annotated[str, StringConstraints(max_length=2048, pattern=r"^(https?://\S+)?$")]
SentRole = Annotated[Role, Field(strict=False)]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class PublicUser(_Shape):
    """What anybody may know of a user."""

    id: str = Field(alias="_id")
    full_name: str
    image_url: str
    role: Role
    created_at: str


class UserOut(PublicUser):
    """A user, as they and admins see them."""

    clerk_id: str
    email: str
    is_blocked: bool
    updated_at: str


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
    """What a person says of themselves; the identity provider's word counts before it."""

    clerk_id: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    full_name: Name | None = None
    email: Email | None = None
    image_url: HttpUrl | None = None
    role: SentRole | None = None


class BlockBody(SentModel):
    """Sets `isBlocked`; a body without it flips it."""

    is_blocked: bool | None = None


class RoleBody(SentModel):
    """The role to give."""

    role: SentRole
