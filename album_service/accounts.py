"""What the user service calls when an account changes or is deleted. Every call is idempotent."""

from album_service.caching import Invalidation
from album_service.collaborating import Collaborating
from album_service.domain import Album
from album_service.editing import Editing
from album_service.ports import AlbumFilter, AlbumRepository
from album_service.writing import AlbumWrites
from shared.http.pagination import Cursor, Slice

BATCH = 50
"""Albums that one call deletes: their covers are removed at the store, which takes a while."""


class Accounts:
    """Albums of one user."""

    def __init__(
        self,
        albums: AlbumRepository,
        editing: Editing,
        collaborating: Collaborating,
        writes: AlbumWrites,
        invalidation: Invalidation,
    ) -> None:
        self._collaborating = collaborating
        self._invalidation = invalidation
        self._albums = albums
        self._editing = editing
        self._writes = writes

    async def rename(self, user_id: str, full_name: str) -> None:
        """Set the creator's name in all their albums."""
        after: Cursor | None = None
        while albums := await self._albums.list(AlbumFilter(creator_id=user_id), Slice(BATCH, after)):
            for album in albums:
                if album.creator_name != full_name:
                    await self._rename(album, full_name)
            after = Cursor.of(albums[-1])

    async def _rename(self, album: Album, full_name: str) -> None:
        async with self._writes.around(album):
            await self._albums.change(album.id, {"creator_name": full_name})

    async def delete(self, user_id: str) -> int:
        """Delete some of the creator's albums; when none are left, their part in albums of others.

        Returns the number of albums that are known to remain: 0 when all is done.
        """
        albums = await self._albums.list(AlbumFilter(creator_id=user_id), Slice(BATCH))
        for album in albums:
            await self._editing.remove(album)
            await self._invalidation.forget_album(album.id)
        if not albums:
            await self._collaborating.leave_all(user_id)
            await self._invalidation.forget_user(user_id)
        return len(albums)
