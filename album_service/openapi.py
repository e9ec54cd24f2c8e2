"""What FastAPI cannot read from a signature: a form that is streamed."""

from typing import Any

from pydantic import TypeAdapter

from album_service.schemas import Title

ALBUM_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["title", "image"],
                    "properties": {
                        "title": TypeAdapter(Title).json_schema(),
                        "image": {"type": "string", "format": "binary"},
                        "isPublic": {"type": "string", "enum": ["true", "false"], "default": "false"},
                    },
                }
            }
        },
    }
}
