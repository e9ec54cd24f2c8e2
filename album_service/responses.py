"""Responses of the album service."""

from fastapi import Response

from shared.cache.entry import Content


def changed_response(content: Content) -> Response:
    """A changed album, with the `ETag` that a next change may require."""
    return Response(content.body, headers={"ETag": content.etag}, media_type="application/json")
