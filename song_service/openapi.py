"""What FastAPI cannot read from a signature: a form that is streamed."""

from typing import Any

from pydantic import TypeAdapter

from song_service.schemas import Label, Title

UPLOAD_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["title", "image", "audio"],
                    "properties": {
                        "title": TypeAdapter(Title).json_schema(),
                        "image": {"type": "string", "format": "binary"},
                        "audio": {"type": "string", "format": "binary"},
                        "albumId": {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"},
                        "isPublic": {"type": "string", "enum": ["true", "false"], "default": "true"},
                        "genre": TypeAdapter(Label).json_schema(),
                        "mood": TypeAdapter(Label).json_schema(),
                    },
                }
            }
        },
    }
}
