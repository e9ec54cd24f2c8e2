"""What FastAPI cannot read from a signature: a form that is streamed."""

from typing import Any

UPLOAD_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["title", "image", "audio"],
                    "properties": {
                        "title": {"type": "string", "maxLength": 200},
                        "image": {"type": "string", "format": "binary"},
                        "audio": {"type": "string", "format": "binary"},
                        "albumId": {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"},
                        "isPublic": {"type": "string", "enum": ["true", "false"], "default": "true"},
                        "genre": {"type": "string", "maxLength": 50},
                        "mood": {"type": "string", "maxLength": 50},
                    },
                }
            }
        },
    }
}
