"""What a refusal of fields says to people."""

import json
from enum import StrEnum
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import Field, StringConstraints, ValidationError

from shared.errors import FieldError, InvalidError, reasons_of
from shared.http.field_errors import field_errors_of
from shared.http.problem import add_problem_handlers
from shared.http.schemas import FormBool, ReadableText, SentModel, fields_of_form


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Sent(SentModel):
    title: Annotated[str, StringConstraints(min_length=1, max_length=5), ReadableText]
    is_public: bool = True
    count: Annotated[int, Field(ge=1, le=9)] = 1
    colour: Annotated[Colour, Field(strict=False)] = Colour.RED
    ids: Annotated[tuple[str, ...], Field(max_length=2, strict=False)] = ()


REASONS: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({}, "Title is required"),
    "empty": ({"title": ""}, "title: at least 1 character"),
    "blank": ({"title": "  "}, "title: at least 1 character"),
    "invisible": ({"title": "\u3164"}, "title: at least 1 visible character"),
    "broken": ({"title": "a\u2028b"}, "title: no control characters or line breaks"),
    "long": ({"title": "x" * 6}, "title: at most 5 characters"),
    "a number": ({"title": 7}, "Title must be text"),
    "half a character": ({"title": "a\ud800"}, "Title must be text"),
    "a text for a boolean": ({"title": "a", "isPublic": "yes"}, "isPublic must be true or false"),
    "a fraction": ({"title": "a", "count": 1.5}, "Count must be a whole number"),
    "too few": ({"title": "a", "count": 0}, "count: at least 1"),
    "too many": ({"title": "a", "count": 10}, "count: at most 9"),
    "no colour": ({"title": "a", "colour": "green"}, "Colour must be 'red' or 'blue'"),
    "no list": ({"title": "a", "ids": "a"}, "Ids must be a list"),
    "a long list": ({"title": "a", "ids": ["a"] * 3}, "ids: at most 2 items"),
    "in a list": ({"title": "a", "ids": [1]}, "ids.0 must be text"),
    "two": ({"count": 0}, "Title is required; count: at least 1"),
}


@pytest.mark.parametrize(("sent", "reason"), REASONS.values(), ids=REASONS.keys())
def test_error_states_the_reason(sent: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as failure:
        Sent.model_validate(sent)
    assert reasons_of(field_errors_of(failure.value.errors())) == reason


def test_error_names_at_most_three_reasons() -> None:
    errors = [FieldError(f"ids.{number}", "must be text") for number in range(500)]
    assert reasons_of(errors) == "ids.0 must be text; ids.1 must be text; ids.2 must be text; and 497 more"


def app() -> FastAPI:
    made = FastAPI()
    add_problem_handlers(made)

    @made.post("/json")
    async def take_json(sent: Sent) -> Sent:
        return sent

    @made.post("/form")
    async def take_form() -> None:
        fields_of_form(Form, {"title": "", "isPublic": "yes"}, [FieldError("image", "is required")])

    @made.get("/query")
    async def take_query(count: Annotated[int, Query(le=50)]) -> int:
        return count

    return made


@pytest.mark.parametrize(
    ("title", "refused", "message"),
    [
        (None, "must not be a file", "must not be a file"),
        ("x" * 300, "at most 16 KB", "at most 200 characters"),
        ("x" + 300 * " ", "at most 16 KB", "at most 16 KB"),
    ],
)
def test_refused_part_is_named_once(title: str | None, refused: str, message: str) -> None:
    given = {} if title is None else {"title": title}
    with pytest.raises(InvalidError) as failure:
        fields_of_form(Form, given, [FieldError("title", refused)])
    assert failure.value.errors == (FieldError("title", message),)


class Form(SentModel):
    title: Annotated[str, StringConstraints(min_length=1, max_length=200), ReadableText]
    is_public: FormBool = False


async def requested(method: str, path: str, **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        return await http.request(method, path, **options)


async def test_refusals_name_fields_and_reasons() -> None:
    for response, error, fields in (
        (await requested("POST", "/json", json={"title": " "}), "title: at least 1 character", ["title"]),
        (await requested("POST", "/json"), "Body is required", ["body"]),
        (await requested("POST", "/json", json=[]), "Body must be an object", ["body"]),
        (
            await requested("POST", "/form"),
            "Title is required; isPublic must be true or false; Image is required",
            ["title", "isPublic", "image"],
        ),
        (await requested("GET", "/query?count=51"), "count: at most 50", ["count"]),
        (await requested("GET", "/query?count=x"), "Count must be a whole number", ["count"]),
    ):
        body = json.loads(response.content)
        assert (response.status_code, body["error"], body["detail"]) == (422, error, error)
        assert [each["field"] for each in body["errors"]] == fields
