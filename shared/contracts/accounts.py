"""Messages of the user service to the others when an account changes or is deleted."""

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel


class ProfileChange(BaseModel):
    """What songs and albums carry of a user's profile."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    full_name: str


class Remaining(BaseModel):
    """How many things are still to be deleted: the call is repeated until there are none."""

    model_config = ConfigDict(frozen=True)

    remaining: int


REMAINING = TypeAdapter(Remaining)
