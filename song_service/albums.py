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
            await self._check_holds(album_id, song_id, token, failure)
        except (NotFoundError, ForbiddenError) as failure:
            raise _not_own() from failure

    async def _check_holds(self, album_id: str, song_id: str, token: str, refusal: ConflictError) -> None:
        """A refusal is harmless only when the album holds the song already, and not when it is full."""
        album = await self._service.ask("GET", f"/albums/{album_id}", token=token, repeatable=True)
        if song_id in album["songIds"]:
            return
        if album.get("songsUnavailable"):
            raise UnavailableError("The album service is not available now")
        raise InvalidError.of(FieldError("albumId", refusal.detail))

    async def take_out(self, album_id: str, song_id: str, token: str) -> None:
        try:
            await self._service.ask("DELETE", f"/albums/{album_id}/songs/{song_id}", token=token)
        except NotFoundError:
            return  # the album is gone, or the song is not in it: as wanted
