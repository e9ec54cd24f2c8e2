"""The album service, asked over HTTP as the caller."""

from collections.abc import Collection

from shared.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from shared.http.service_client import ServiceClient

IN_IT_ALREADY, FULL = "song_in_album", "album_full"
"""The album service's codes."""


def _not_own() -> InvalidError:
    return InvalidError.of(FieldError("albumId", "is not an album of yours"))


class HttpAlbums:
    """Implements Albums."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def check_made_by(
        self, album_id: str, token: str, creator_ids: Collection[str]
    ) -> Collection[str] | None:
        try:
            album = await self._service.ask("GET", f"/albums/{album_id}", token=token, repeatable=True)
        except NotFoundError as failure:
            raise _not_own() from failure
        if album["creatorId"] not in creator_ids:
            raise _not_own()
        if album.get("songsUnavailable"):
            return None
        song_ids: list[str] = album["songIds"]
        return song_ids

    async def append(self, album_id: str, song_id: str, token: str) -> None:
        body = {"songId": song_id}
        try:
            await self._service.ask("POST", f"/albums/{album_id}/songs", token=token, json=body)
        except ConflictError as failure:
            if failure.code == IN_IT_ALREADY:
                return
            if failure.code == FULL:
                raise InvalidError.of(FieldError("albumId", "is full")) from failure
            raise UnavailableError("The album service is not available now") from failure
        except (NotFoundError, ForbiddenError) as failure:
            raise _not_own() from failure

    async def take_out(self, album_id: str, song_id: str, token: str) -> None:
        try:
            await self._service.ask("DELETE", f"/albums/{album_id}/songs/{song_id}", token=token)
        except NotFoundError:
            return  # the album is gone, or the song is not in it: as wanted
