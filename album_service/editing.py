"""Making, changing and removing albums: use cases that span the store, the media and the songs."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from album_service import policy
from album_service.domain import (
    Album,
    AlbumChangedError,
    AlbumChangedMeanwhileError,
    AlbumNotFoundError,
    NewAlbum,
)
from album_service.ports import AlbumChanges, AlbumRepository, ShareRepository
from album_service.writing import AlbumWrites
from shared.access.caller import Caller
from shared.access.permissions import Permission
from shared.access.user_directory import still_allowed
from shared.clock import now
from shared.errors import UnavailableError
from shared.ids import id_in, new_id, new_public_id
from shared.media.cleanup import CleanupJournal
from shared.media.images import check_image
from shared.ports import MediaRef, MediaStore, UserDirectory

FOLDER = "albums"
"""Where media of albums are in the media store: `albums/{id}/…`."""

STORED_WITHIN_SECONDS = 150.0
"""Until a cover is checked and stored. Together with the time to commit this is less than the gateway's
timeout for uploads, or the album would appear after a 504.
"""

ATTEMPTS = 5


class Editing:
    """The albums of all users."""

    def __init__(
        self,
        albums: AlbumRepository,
        shares: ShareRepository,
        media: MediaStore,
        journal: CleanupJournal,
        writes: AlbumWrites,
        users: UserDirectory,
        *,
        max_image_pixels: int,
    ) -> None:
        self._albums = albums
        self._shares = shares
        self._media = media
        self._journal = journal
        self._writes = writes
        self._users = users
        self._max_image_pixels = max_image_pixels

    async def add(self, creator: Caller, new: NewAlbum, image: Path) -> Album:
        """A new album of `creator`; private unless they may publish.

        The creator is looked up again when it commits: the account may be deleted, blocked, demoted or
        renamed since the upload began.

        Raises:
            NotAnImageError: `image` is none.
            NotRegisteredError, BlockedError, RoleError: the creator may not create albums any more.
            UnavailableError: the media store or the user service is down, or all of it takes too long.
        """
        album_id, moment = new_id(), now()
        cover = [MediaRef(new_public_id(f"{FOLDER}/{album_id}", "cover"), "image")]
        try:
            async with asyncio.timeout(STORED_WITHIN_SECONDS):
                await check_image(image, self._max_image_pixels)
                async with self._journal.uploading(cover):
                    stored = await self._media.upload_image(image, cover[0].public_id)
        except TimeoutError as failure:
            raise UnavailableError("The upload took too long; try again later") from failure
        async with self._journal.committing(cover):
            current = await still_allowed(self._users, creator, Permission.CREATE_ALBUMS)
            album = Album(
                id=album_id,
                title=new.title,
                creator_id=current.id,
                creator_name=current.full_name,
                image=stored,
                song_ids=(),
                is_public=new.is_public and policy.may_publish(current),
                is_visible=True,
                created_at=moment,
                updated_at=moment,
            )
            async with self._writes.around(album):
                await self._albums.add(album)
        return album

    async def change(self, album: Album, changes: AlbumChanges, if_revision: int | None = None) -> Album:
        """The album after `changes`; with `if_revision` only while it is at that revision.

        Raises:
            AlbumChangedError: it is at another.
        """
        if not changes:
            return album
        async with self._writes.around(album):
            changed = await self._albums.change(album.id, changes, if_revision=if_revision)
        if changed is None:
            raise AlbumChangedError
        return changed

    async def set_public(self, album: Album, wanted: bool | None, if_revision: int | None = None) -> Album:
        """Set `is_public`; None flips it. With `if_revision` as `change` does."""
        if if_revision is not None:
            is_public = not album.is_public if wanted is None else wanted
            return await self.change(album, {"is_public": is_public}, if_revision)
        return await self._set(album, wanted, lambda each: each.is_public, lambda to: {"is_public": to})

    async def set_visible(self, album: Album, wanted: bool | None, if_revision: int | None = None) -> Album:
        """Set `is_visible`; None flips it. With `if_revision` as `change` does."""
        if if_revision is not None:
            is_visible = not album.is_visible if wanted is None else wanted
            return await self.change(album, {"is_visible": is_visible}, if_revision)
        return await self._set(album, wanted, lambda each: each.is_visible, lambda to: {"is_visible": to})

    async def _set(
        self,
        album: Album,
        wanted: bool | None,
        current: Callable[[Album], bool],
        changes_to: Callable[[bool], AlbumChanges],
    ) -> Album:
        """A flip is conditional on the revision that was read, so that two concurrent flips both count."""
        for _ in range(ATTEMPTS):
            changes = changes_to(not current(album) if wanted is None else wanted)
            revision = album.revision if wanted is None else None
            async with self._writes.around(album):
                changed = await self._albums.change(album.id, changes, if_revision=revision)
            if changed is not None:
                return changed
            album = await self._albums.get(album.id)
        raise AlbumChangedMeanwhileError

    async def remove(self, album: Album, if_revision: int | None = None) -> None:
        """Remove the album, its cover and its links; its songs stay. With `if_revision` as `change` does."""
        cover = [MediaRef(album.image.public_id, "image")]
        await self._journal.begin_removal(cover)
        async with self._writes.around(album):
            is_removed = await self._albums.remove(album.id, if_revision=if_revision)
        if not is_removed:
            raise AlbumChangedError
        await self._shares.revoke(album.id)
        await self._journal.discard(cover)


class UnfinishedUploads:
    """For the cleanup journal: whether an album uses a medium, and how to roll back an upload.

    Media that are not in `FOLDER` are not ours: they count as used, and nothing is rolled back.
    """

    def __init__(self, albums: AlbumRepository, writes: AlbumWrites) -> None:
        self._albums = albums
        self._writes = writes

    async def is_in_use(self, media: MediaRef) -> bool:
        """Whether an existing album uses it."""
        album_id = id_in(media.public_id, FOLDER)
        if album_id is None:
            return True
        try:
            await self._albums.get(album_id)
        except AlbumNotFoundError:
            return False
        return True

    async def roll_back(self, media: MediaRef) -> None:
        """Delete the album of an uncommitted upload, if there is one."""
        album_id = id_in(media.public_id, FOLDER)
        if album_id is None:
            return
        with suppress(AlbumNotFoundError):
            album = await self._albums.get(album_id)
            async with self._writes.around(album):
                await self._albums.remove(album.id)
