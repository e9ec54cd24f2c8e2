"""Text in request bodies: what is stored of it, and what OpenAPI says of it."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from album_service.routes import ALBUM_FORM
from album_service.schemas import AlbumPatch
from song_service.routes import UPLOAD_FORM
from song_service.schemas import SongPatch
from user_service.schemas import Registration

DOCUMENTED: dict[str, dict[str, Any]] = {
    "song": UPLOAD_FORM["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["title"],
    "album": ALBUM_FORM["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["title"],
    "song patch": SongPatch.model_json_schema()["properties"]["title"]["anyOf"][0],
    "album patch": AlbumPatch.model_json_schema()["properties"]["title"]["anyOf"][0],
    "name": Registration.model_json_schema()["properties"]["fullName"]["anyOf"][0],
}


def title_of(text: object) -> str | None:
    return SongPatch.model_validate({"title": text}).title


@pytest.mark.parametrize(
    "text", ["", " ", "\u3164", "\u2800", "\u0301", "a\u2028b", "a\x9bb", "x" * 201, "\ud800"]
)
def test_unreadable_titles_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        title_of(text)


def test_length_is_checked_after_composition() -> None:
    assert title_of("e\u0301" * 200) == "é" * 200


def test_email_keeps_its_own_pattern() -> None:
    described = Registration.model_json_schema()["properties"]["email"]["anyOf"][0]
    assert "@" in described["pattern"]


@pytest.mark.parametrize("schema", DOCUMENTED.values(), ids=DOCUMENTED.keys())
def test_openapi_states_the_text_rules(schema: dict[str, Any]) -> None:
    assert (schema["minLength"], schema["maxLength"]) == (1, 200)
    assert "visible character" in schema["description"]
    pattern = re.compile(schema["pattern"])
    assert all(pattern.search(text) for text in ("a", "é", "日本", "🎧", "Blue in Green", "\u0301a"))
    refused = ("", " ", "\u3164", "\u2800", "\u1160", "\uffa0", "\u17b4", "\ufe0f", "\u0301", "\u200b")
    assert not [
        text for text in (*refused, "a\nb", "a\x00", "a\u2028", "\u2029a", "\x85") if pattern.search(text)
    ]
