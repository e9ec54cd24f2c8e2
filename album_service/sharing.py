"""Links to an album for people without an account."""

import hashlib
import re
import secrets
from datetime import timedelta

from album_service.domain import (
    Album,
    AlbumHiddenError,
    AlbumNotFoundError,
    SharedAlbumNotFoundError,
    ShareLink,
    StoredShare,
)
from album_service.ports import AlbumRepository, ShareRepository
from shared.clock import now

TOKEN_BYTES = 16
"""128 random bits, which cannot be guessed."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


class Sharing:
    """Creates, resolves and revokes links. Only a hash of each token is stored."""

    def __init__(self, albums: AlbumRepository, shares: ShareRepository) -> None:
        self._albums = albums
        self._shares = shares

    async def share(self, album: Album, days: int | None) -> ShareLink:
        """A new link to the album, which expires after `days`; None: never.

        Raises:
            AlbumHiddenError: an admin has hidden the album.
        """
        if not album.is_visible:
            raise AlbumHiddenError
        token, moment = secrets.token_urlsafe(TOKEN_BYTES), now()
        expires_at = None if days is None else moment + timedelta(days=days)
        await self._shares.add(StoredShare(_digest(token), album.id, moment, expires_at))
        return ShareLink(token, expires_at)

    async def album(self, token: str) -> Album:
        """The album that the token leads to.

        Raises:
            SharedAlbumNotFoundError: the link is unknown, expired or revoked, or the album is deleted or
                hidden by an admin.
        """
        if not _TOKEN.fullmatch(token):
            raise SharedAlbumNotFoundError
        album_id = await self._shares.find(_digest(token), now())
        if album_id is None:
            raise SharedAlbumNotFoundError
        try:
            album = await self._albums.get(album_id)
        except AlbumNotFoundError:
            raise SharedAlbumNotFoundError from None
        if not album.is_visible:
            raise SharedAlbumNotFoundError
        return album

    async def revoke(self, album: Album) -> None:
        """Revoke all links to the album."""
        await self._shares.revoke(album.id)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
