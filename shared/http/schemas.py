"""Parts of the request and response models of all services."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.errors import REQUIRED, FieldError, InvalidError
from shared.http.field_errors import field_errors_of
from shared.ids import is_id
from shared.text import UnreadableTextError, clean_text

Sent = TypeVar("Sent", bound="SentModel")


class SentModel(BaseModel):
    """A request body, in camelCase. Undeclared fields are ignored.

    Strict: only a boolean is accepted for a boolean, and only text for text.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, frozen=True)


def _describe_as_left_out(schema: dict[str, Any]) -> None:
    schema.pop("default", None)
    for described in schema.pop("anyOf", ()):
        if described != {"type": "null"}:
            schema.update(described)


LEFT_OUT = Field(json_schema_extra=_describe_as_left_out)
"""For a response field that may be absent. A default or null in the description would make generated clients
expect the field.
"""


class Message(BaseModel):
    """A confirmation for people."""

    message: str


def _check_id(text: str) -> str:
    if not is_id(text):
        raise PydanticCustomError("not_an_id", "is not an id")
    return text.lower()


BodyId = Annotated[str, AfterValidator(_check_id), Field(json_schema_extra={"pattern": "^[0-9a-fA-F]{24}$"})]
"""An id inside a body: 24 hexadecimal characters."""


_NO_BREAKS = r"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*"
_VISIBLE = (
    r"[^\s\u0000-\u0020\u007f-\u00a0\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u20d0-\u20ff\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc]"
)


class _ReadableText:
    """Text that `shared.text.clean_text` accepts, cleaned before its length is checked; OpenAPI says so."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._clean, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        described = handler(schema)
        pattern = f"^{_NO_BREAKS}{_VISIBLE}{_NO_BREAKS}$" if described.get("minLength") else f"^{_NO_BREAKS}$"
        described.setdefault("pattern", pattern)
        described["description"] = READABLE_RULE
        return described

    @staticmethod
    def _clean(given: object) -> object:
        if not isinstance(given, str):
            return given
        try:
            return clean_text(given)
        except UnreadableTextError as failure:
            raise PydanticCustomError(failure.code, "{reason}", {"reason": failure.message}) from failure


READABLE_RULE = (
    "At least one visible character; no control characters, line or paragraph separators. Blanks around it "
    "are removed, and it is stored in Unicode's NFC."
)
ReadableText = _ReadableText()
"""For text that people read. Place it after StringConstraints, which then apply to the stored text."""


def _true_or_false(given: object) -> object:
    if given not in ("true", "false"):
        raise PydanticCustomError("not_true_or_false", "must be true or false")
    return given


FormBool = Annotated[bool, BeforeValidator(_true_or_false)]
"""A boolean field of a form: only `true` or `false`, not the other texts that pydantic accepts."""


def fields_of_form(
    model: type[Sent], fields: Mapping[str, str], wrong_parts: Sequence[FieldError] = ()
) -> Sent:
    """The text fields of a form as `model`, where "true" and "false" are booleans and empty text means
    absent.

    Raises:
        InvalidError: names every invalid field, each once, and `wrong_parts`.
    """
    given = {name: value for name, value in fields.items() if value != ""}
    try:
        sent = model.model_validate_strings(given, strict=False)
    except ValidationError as failure:
        found = failure.errors(include_url=False, include_input=False)
        refused = {each.field for each in wrong_parts}
        # A part that was refused is not missing; what is wrong with a part that was cut says more.
        invalid = [
            each for each in field_errors_of(found) if each.field not in refused or each.message != REQUIRED
        ]
        named = {each.field for each in invalid}
        raise InvalidError.of(
            *invalid, *(each for each in wrong_parts if each.field not in named)
        ) from failure
    if wrong_parts:
        raise InvalidError.of(*wrong_parts)
    return sent
