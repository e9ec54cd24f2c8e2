"""Responses of the album service."""

from fastapi import Response

from album_service.domain import Album
from album_service.precondition import etag_of


def changed_without_content(album: Album) -> Response:
    """204, with the `ETag` that a next change of the album may require."""
    return Response(status_code=204, headers={"ETag": etag_of(album.revision)})
