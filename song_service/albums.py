"""The album service over HTTP, called for the caller."""

from collections.abc import Collection

from shared.contracts.albums import ALBUM, ALBUM_FULL, SONG_IN_ALBUM, SongToAdd
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
            album = await self._service.fetch(
                ALBUM, "GET", f"/albums/{album_id}", token=token, repeatable=True
            )
        except NotFoundError as failure:
            raise _not_own() from failure
        if album.creator_id not in creator_ids:
            raise _not_own()
        return None if album.songs_unavailable else album.song_ids

    async def append(self, album_id: str, song_id: str, token: str) -> None:
        body = SongToAdd.model_construct(song_id=song_id).model_dump(by_alias=True)
        try:
            await self._service.send("POST", f"/albums/{album_id}/songs", token=token, json=body)
        except ConflictError as failure:
            if failure.code == SONG_IN_ALBUM:
                return
            if failure.code == ALBUM_FULL:
                full = FieldError("albumId", "is full; remove a song from it or choose another album")
                raise InvalidError.of(full) from failure
            raise UnavailableError("The album service is not available now") from failure
        except (NotFoundError, ForbiddenError) as failure:
            raise _not_own() from failure

    async def take_out(self, album_id: str, song_id: str, token: str) -> None:
        try:
            await self._service.send("DELETE", f"/albums/{album_id}/songs/{song_id}", token=token)
        except NotFoundError:
            return  # the album is deleted, or the song is not in it: nothing to do
