"""What is stored about one user, for the export of their account: AlbumExport of shared/contracts."""

from collections.abc import AsyncIterator, Collection, Sequence

from album_service.domain import Album, StoredShare
from album_service.ports import AlbumFilter, AlbumRepository, ShareRepository, Songs, Users
from album_service.schemas import public_album
from shared.clock import to_iso
from shared.http.json_stream import JsonPieces, json_array, json_object
from shared.http.pagination import all_pages

PAGE = 100
ALBUMS_AT_ONCE = 20
"""Fewer, because the song service is asked about all of their songs before the next piece is sent."""

Rows = AsyncIterator[Sequence[dict[str, object]]]


class Export:
    """Reads albums, collaborations and links page by page. The pieces raise UnavailableError."""

    def __init__(self, albums: AlbumRepository, shares: ShareRepository, songs: Songs, users: Users) -> None:
        self._albums = albums
        self._shares = shares
        self._songs = songs
        self._users = users

    async def of(self, user_id: str) -> JsonPieces:
        """Own albums in any state, ids of albums that the user helps to arrange, and links to own albums.

        Albums are as their creator sees them: with the collaborators, and the songs that the creator may see.

        Raises:
            UserNotFoundError: the account was deleted in the meantime.
        """
        token = await self._users.token_for(user_id)
        members: dict[str, object] = {
            "created": json_array(self._created(user_id, token)),
            "collaborations": json_array(self._collaborations(user_id)),
            "shareLinks": json_array(self._links(user_id)),
        }
        async for piece in json_object(members):
            yield piece

    def _pages(self, wanted: AlbumFilter, size: int = PAGE) -> AsyncIterator[Sequence[Album]]:
        return all_pages(lambda part: self._albums.list(wanted, part), size)

    async def _created(self, user_id: str, token: str) -> Rows:
        async for page in self._pages(AlbumFilter(creator_id=user_id), ALBUMS_AT_ONCE):
            ids = list(dict.fromkeys(song_id for album in page for song_id in album.song_ids))
            visible = {song.id for song in await self._songs.visible(ids, token)}
            yield [_created_album(album, visible) for album in page]

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


def _created_album(album: Album, visible: Collection[str]) -> dict[str, object]:
    song_ids = [each for each in album.song_ids if each in visible]
    return public_album(album, is_member=True) | {"songIds": song_ids}


def _link(share: StoredShare) -> dict[str, object]:
    expires_at = None if share.expires_at is None else to_iso(share.expires_at)
    return {"albumId": share.album_id, "createdAt": to_iso(share.created_at), "expiresAt": expires_at}
