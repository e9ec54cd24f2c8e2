"""Users as services and clients exchange them."""

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from shared.access.permissions import Role


class PublicUser(BaseModel):
    """The public profile of a user."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

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


USER = TypeAdapter(UserOut)
PUBLIC_USER = TypeAdapter(PublicUser)
