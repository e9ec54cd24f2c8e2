"""Parts of multipart forms as clients of all kinds write them."""

import json

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.errors import InvalidError
from shared.http.forms import FIELD_BYTES, MOST_FIELDS, open_form
from shared.http.middleware import ServiceMiddleware
from shared.http.problem import add_problem_handlers

LIMITS = {"image": 1000, "audio": 1000}


def app() -> FastAPI:
    made = FastAPI()
    add_problem_handlers(made)

    @made.post("/form")
    async def take(request: Request) -> dict[str, object]:
        async with open_form(request, LIMITS) as form:
            if form.refused:
                raise InvalidError.of(*form.wrong_parts)
            files = {name: path.read_text() for name, path in form.files.items()}
            return {"fields": form.fields, "files": files, "wrong": [each.field for each in form.wrong_parts]}

    return made


async def sent(*parts: tuple[str, str]) -> httpx.Response:
    """The response to a form of these parts, each a `Content-Disposition` and content."""
    body = "".join(f"--x\r\nContent-Disposition: {head}\r\n\r\n{content}\r\n" for head, content in parts)
    transport = httpx.ASGITransport(app=ServiceMiddleware(app(), "test-service"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return await http.post("/form", content=f"{body}--x--\r\n".encode(), headers=headers)


IMAGE = ('form-data; name="image"; filename="c.png"', "picture")


@pytest.mark.parametrize(
    "name",
    [
        "filename*=utf-8''Caf%C3%A9.mp3",
        "filename*=UTF-8'de'Caf%C3%A9.mp3",
        "FileName* = utf-8''a.mp3",
        "filename*0*=utf-8''Caf; filename*1*=%C3%A9.mp3",
        'filename*0="a;b"; filename*1=".mp3"',
        "filename=\"Cafe.mp3\"; filename*=utf-8''Caf%C3%A9.mp3",
        'filename="Café.mp3"',
        'filename=""',
    ],
)
async def test_file_names_of_any_form_are_accepted(name: str) -> None:
    response = await sent(IMAGE, (f'form-data; name="audio"; {name}', "sound"))
    assert response.status_code == 200, response.text
    assert response.json() == {"fields": {}, "files": {"image": "picture", "audio": "sound"}, "wrong": []}


@pytest.mark.parametrize("content", ["sound", "", "x" * 20_000, "\u00ff\u0000"])
async def test_file_without_file_name_is_named(content: str) -> None:
    response = await sent(IMAGE, ('form-data; name="audio"', content))
    assert response.status_code == 422, response.text
    body = json.loads(response.content)
    assert [each["field"] for each in body["errors"]] == ["audio"]
    assert body["error"] == "Audio must be sent as a file, with a file name"


async def test_field_named_like_a_file_stays_a_field() -> None:
    response = await sent(IMAGE, ("form-data; name=\"; filename*=utf-8''a\"", "text"))
    assert response.json()["fields"] == {"; filename*=utf-8''a": "text"}


@pytest.mark.parametrize("name", ["title", "video"])
async def test_unexpected_file_is_refused_by_name(name: str) -> None:
    response = await sent(IMAGE, (f"form-data; name=\"{name}\"; filename*=utf-8''a", "x"))
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"field": name, "message": "must not be a file: this form takes image and audio"},
        {"field": "audio", "message": "is required"},
    ]


@pytest.mark.parametrize("size", [FIELD_BYTES, FIELD_BYTES + 1, 60_000])
async def test_long_field_is_named(size: int) -> None:
    response = await sent(IMAGE, ('form-data; name="title"', "x" * size))
    if size == FIELD_BYTES:
        assert len(response.json()["fields"]["title"]) == size
        return
    assert response.status_code == 422
    assert response.json()["errors"][0] == {"field": "title", "message": "at most 16 KB"}


async def test_all_refused_parts_are_named_at_once() -> None:
    response = await sent(
        ('form-data; name="cover"; filename="c.png"', "picture"),
        ('form-data; name="audio"', "sound"),
        ('form-data; name="title"; filename="t"', "x" * 50_000),
    )
    assert [each["field"] for each in response.json()["errors"]] == ["cover", "audio", "title", "image"]


async def test_second_file_of_a_name_is_refused() -> None:
    response = await sent(IMAGE, IMAGE, ('form-data; name="audio"; filename="a"', "sound"))
    assert response.json()["errors"] == [{"field": "image", "message": "exactly one file"}]


@pytest.mark.parametrize(
    "head", ['name="field{}"', 'name="file{}"; filename="a"', 'name="image"; filename="a"']
)
async def test_form_with_too_many_parts_says_so(head: str) -> None:
    parts = [(f"form-data; {head.format(number)}", "x") for number in range(MOST_FIELDS + 1)]
    response = await sent(*parts, parts[0])
    assert response.status_code == 400
    assert response.json()["error"] == "A form has at most 20 fields besides its files"
