"""The collaborators of an album."""

from collections.abc import Callable

from album_service.domain import (
    Album,
    AlbumChangedError,
    AlbumChangedMeanwhileError,
    CollaboratorsFullError,
    CreatorIsCollaboratorError,
)
from album_service.ports import AlbumFilter, AlbumRepository, Users
from album_service.writing import AlbumWrites
from shared.http.pagination import Slice

MOST_COLLABORATORS = 50
ATTEMPTS = 2 * MOST_COLLABORATORS
"""An attempt fails when another change of the album succeeded: enough for all collaborators at once."""

_CHUNK = 100

Change = Callable[[Album], tuple[str, ...]]


class Collaborating:
    """The collaborators of albums. Raises as `Arranging` does when the album changes meanwhile."""

    def __init__(self, albums: AlbumRepository, users: Users, writes: AlbumWrites) -> None:
        self._albums = albums
        self._users = users
        self._writes = writes

    async def add(self, album: Album, user_id: str, if_revision: int | None = None) -> Album:
        """The album with this collaborator; idempotent.

        Raises:
            UserNotFoundError: there is no such user.
            CreatorIsCollaboratorError: they made the album.
            CollaboratorsFullError: there are `MOST_COLLABORATORS`.
            UnavailableError: the user service is down.
        """
        if user_id == album.creator_id:
            raise CreatorIsCollaboratorError
        await self._users.check_exists(user_id)

        def add(at: Album) -> tuple[str, ...]:
            if user_id in at.collaborator_ids:
                return at.collaborator_ids
            if len(at.collaborator_ids) >= MOST_COLLABORATORS:
                raise CollaboratorsFullError
            return (*at.collaborator_ids, user_id)

        return await self._change(album, add, if_revision)

    async def remove(self, album: Album, user_id: str, if_revision: int | None = None) -> Album:
        """The album without this collaborator; idempotent."""
        return await self._change(
            album, lambda at: tuple(each for each in at.collaborator_ids if each != user_id), if_revision
        )

    async def leave_all(self, user_id: str) -> None:
        """Remove a collaborator from every album: they were deleted."""
        wanted = AlbumFilter(collaborator_id=user_id)
        while found := await self._albums.list(wanted, Slice(_CHUNK)):
            for album in found:
                await self.remove(album, user_id)

    async def _change(self, album: Album, change: Change, if_revision: int | None) -> Album:
        for _ in range(ATTEMPTS):
            collaborators = change(album)
            if collaborators == album.collaborator_ids:
                return album
            async with self._writes.around(album):
                changed = await self._albums.change(
                    album.id, {"collaborator_ids": collaborators}, if_revision=album.revision
                )
            if changed is not None:
                return changed
            if if_revision is not None:
                raise AlbumChangedError
            album = await self._albums.get(album.id)
        raise AlbumChangedMeanwhileError
