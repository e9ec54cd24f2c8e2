"""What the shapes of all services have in common."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from shared.errors import FieldError, InvalidError
from shared.ids import is_id

Sent = TypeVar("Sent", bound="SentModel")


class SentModel(BaseModel):
    """What a client sends, in camelCase. Fields that are not declared are ignored, and never stored.

    Strict: a number, object or text never passes for a boolean, nor anything but text for text.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, frozen=True)


def _describe_as_left_out(schema: dict[str, Any]) -> None:
    schema.pop("default", None)
    for described in schema.pop("anyOf", ()):
        if described != {"type": "null"}:
            schema.update(described)


LEFT_OUT = Field(json_schema_extra=_describe_as_left_out)
"""For a field of an answer that is left out when there is nothing to say. Clients that are made from a
description with a default, or with null, rely on the field to be there."""


class Message(BaseModel):
    """Something was done, in words."""

    message: str


def _check_id(text: str) -> str:
    if not is_id(text):
        raise PydanticCustomError("not_an_id", "is not an id")
    return text.lower()


BodyId = Annotated[str, AfterValidator(_check_id)]
"""An id inside a body: 24 hexadecimal characters."""


def _check_line(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise PydanticCustomError("control_characters", "must not hold control characters")
    if text and not any(character.isprintable() and not character.isspace() for character in text):
        raise PydanticCustomError("blank", "must not be blank")
    return text


OneLine = AfterValidator(_check_line)
"""For text that people read: nothing in it breaks the line, and not all of it is invisible."""


def _true_or_false(given: object) -> object:
    if given not in ("true", "false"):
        raise PydanticCustomError("not_true_or_false", "must be true or false")
    return given


FormBool = Annotated[bool, BeforeValidator(_true_or_false)]
"""A boolean field of a form: the text `true` or `false`, and none of the others that pydantic takes."""


def fields_of_form(
    model: type[Sent], fields: Mapping[str, str], wrong_files: Sequence[FieldError] = ()
) -> Sent:
    """The text fields of a form as `model`, where "true" and "false" are booleans and empty text is absence.

    Raises:
        InvalidError: they cannot be accepted, or not with `wrong_files`; it names all that is wrong.
    """
    given = {name: value for name, value in fields.items() if value != ""}
    try:
        sent = model.model_validate_strings(given, strict=False)
    except ValidationError as failure:
        wrong_fields = [
            FieldError(".".join(str(part) for part in each["loc"]), each["msg"])
            for each in failure.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise _refusal_of([*wrong_fields, *wrong_files]) from failure
    if wrong_files:
        raise _refusal_of(wrong_files)
    return sent


def _refusal_of(wrong: Sequence[FieldError]) -> InvalidError:
    named = ", ".join(dict.fromkeys(each.field for each in wrong))
    return InvalidError(f"Not accepted: {named}", wrong)
