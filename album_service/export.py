"""What is stored about one user, for the export of their account: AlbumExport of shared/contracts."""

from collections.abc import AsyncIterator, Sequence

from album_service.domain import Album, StoredShare
from album_service.ports import AlbumFilter, AlbumRepository, ShareRepository
from album_service.schemas import public_album
from shared.clock import to_iso
from shared.http.json_stream import JsonPieces, json_array, json_object
from shared.http.pagination import all_pages

PAGE = 100

Rows = AsyncIterator[Sequence[dict[str, object]]]


class Export:
    """Reads albums, collaborations and links page by page. The pieces raise UnavailableError."""

    def __init__(self, albums: AlbumRepository, shares: ShareRepository) -> None:
        self._albums = albums
        self._shares = shares

    async def of(self, user_id: str) -> JsonPieces:
        """Own albums in any state, ids of albums that the user helps to arrange, and links to own albums."""
        members: dict[str, object] = {
            "created": json_array(self._created(user_id)),
            "collaborations": json_array(self._collaborations(user_id)),
            "shareLinks": json_array(self._links(user_id)),
        }
        async for piece in json_object(members):
            yield piece

    def _pages(self, wanted: AlbumFilter) -> AsyncIterator[Sequence[Album]]:
        return all_pages(lambda part: self._albums.list(wanted, part), PAGE)

    async def _created(self, user_id: str) -> Rows:
        async for page in self._pages(AlbumFilter(creator_id=user_id)):
            yield [public_album(album) for album in page]

    async def _collaborations(self, user_id: str) -> Rows:
        async for page in self._pages(AlbumFilter(collaborator_id=user_id)):
            yield [{"albumId": album.id} for album in page]

    async def _links(self, user_id: str) -> Rows:
        async for page in self._pages(AlbumFilter(creator_id=user_id)):
            for album in page:
                after: str | None = None
                while found := await self._shares.list(album.id, PAGE, after):
                    yield [_link(share) for share in found]
                    after = found[-1].token_hash


def _link(share: StoredShare) -> dict[str, object]:
    expires_at = None if share.expires_at is None else to_iso(share.expires_at)
    return {"albumId": share.album_id, "createdAt": to_iso(share.created_at), "expiresAt": expires_at}
