"""What FastAPI cannot read from a signature: a form that is streamed."""

from typing import Any

ALBUM_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["title", "image"],
                    "properties": {
                        "title": {"type": "string", "maxLength": 200},
                        "image": {"type": "string", "format": "binary"},
                        "isPublic": {"type": "string", "enum": ["true", "false"], "default": "false"},
                    },
                }
            }
        },
    }
}
