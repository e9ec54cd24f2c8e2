"""What the shapes of all services have in common."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from shared.errors import FieldError, InvalidError
from shared.ids import is_id

Sent = TypeVar("Sent", bound="SentModel")


class SentModel(BaseModel):
    """What a client sends, in camelCase. Fields that are not declared are ignored, and never stored.

    Strict: a number, object or text never passes for a boolean, nor anything but text for text.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, frozen=True)


class Message(BaseModel):
    """Something was done, in words."""

    message: str


def _check_id(text: str) -> str:
    if not is_id(text):
        raise ValueError("is not an id")
    return text.lower()


BodyId = Annotated[str, AfterValidator(_check_id)]
"""An id inside a body: 24 hexadecimal characters."""


def fields_of_form(model: type[Sent], fields: Mapping[str, str]) -> Sent:
    """The text fields of a form as `model`, where "true" and "false" are booleans and empty text is absence.

    Raises:
        InvalidError: they cannot be accepted.
    """
    given = {name: value for name, value in fields.items() if value != ""}
    try:
        return model.model_validate_strings(given, strict=False)
    except ValidationError as failure:
        found = [
            FieldError(".".join(str(part) for part in each["loc"]), each["msg"])
            for each in failure.errors(include_url=False, include_input=False, include_context=False)
        ]
        named = ", ".join(dict.fromkeys(each.field for each in found))
        raise InvalidError(f"Not accepted: {named}", found) from failure

