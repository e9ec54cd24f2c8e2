"""What FastAPI cannot read from the signatures: bodies that are streamed, and answers that are ready JSON."""

from typing import Any

from album_service.schemas import AlbumOut, AlbumWithSongs

LIST_OF_ALBUMS: dict[int | str, dict[str, Any]] = {200: {"model": list[AlbumOut]}}
ONE_ALBUM: dict[int | str, dict[str, Any]] = {200: {"model": AlbumOut}}
ALBUM_WITH_SONGS: dict[int | str, dict[str, Any]] = {200: {"model": AlbumWithSongs}}

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
