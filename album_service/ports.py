"""The ports of the album service: what it needs from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypedDict, overload

from album_service.domain import Album, StoredShare
from shared.contracts.songs import SongOut
from shared.http.pagination import Slice


@dataclass(frozen=True, slots=True)
class AlbumFilter:
    """Which albums a list holds; the default is all of them."""

    listed_only: bool = False
    creator_id: str | None = None
    collaborator_id: str | None = None
    visible_only: bool = False


class AlbumChanges(TypedDict, total=False):
    """Changes of an album; absent fields stay unchanged."""

    title: str
    creator_name: str
    is_public: bool
    is_visible: bool
    song_ids: tuple[str, ...]
    collaborator_ids: tuple[str, ...]


class AlbumRepository(Protocol):
    """The albums. Lists are ordered by (`created_at`, `id`), descending."""

    async def add(self, album: Album) -> None:
        """Store a new album."""
        ...

    async def get(self, album_id: str) -> Album:
        """Raises AlbumNotFoundError."""
        ...

    async def list(self, wanted: AlbumFilter, part: Slice) -> Sequence[Album]:
        """Albums that `wanted` describes, newest first."""
        ...

    async def count(self, wanted: AlbumFilter) -> int:
        """The number of albums that `wanted` describes."""
        ...

    @overload
    async def change(self, album_id: str, changes: AlbumChanges) -> Album: ...

    @overload
    async def change(
        self, album_id: str, changes: AlbumChanges, *, if_revision: int | None
    ) -> Album | None: ...

    async def change(
        self, album_id: str, changes: AlbumChanges, *, if_revision: int | None = None
    ) -> Album | None:
        """Store `changes` atomically, with a new `updated_at` and the next `revision`. Returns the album.

        With `if_revision`, only while the album is at that revision: otherwise returns None and changes
        nothing.

        Raises:
            AlbumNotFoundError: there is no such album.
        """
        ...

    async def append_song(self, album_id: str, song_id: str, most: int) -> Album:
        """Append the song, atomically with the check that it is not in the album yet and the album is not
        full.

        Raises:
            AlbumNotFoundError: there is no such album.
            SongInAlbumError: the song is in it.
            AlbumFullError: it holds `most` songs.
        """
        ...

    async def take_song_out(self, album_id: str, song_id: str) -> Album:
        """Take the song out.

        Raises:
            AlbumNotFoundError: there is no such album.
            SongNotFoundError: the song is not in it.
        """
        ...

    async def remove(self, album_id: str, *, if_revision: int | None = None) -> bool:
        """Remove it; with `if_revision` only while it is at that revision. Returns whether it was removed.

        Raises:
            AlbumNotFoundError: there is no such album.
        """
        ...


class ShareRepository(Protocol):
    """Links to albums, by the hash of their token."""

    async def add(self, share: StoredShare) -> None:
        """Store a new link."""
        ...

    async def find(self, token_hash: str, moment: datetime) -> str | None:
        """The id of the album that the link leads to; None when there is none, or it has expired."""
        ...

    async def list(self, album_id: str, limit: int, after: str | None) -> Sequence[StoredShare]:
        """At most `limit` links to the album, ordered by the hash of their token, those after that hash."""
        ...

    async def revoke(self, album_id: str) -> None:
        """Remove all links to the album."""
        ...


class Users(Protocol):
    """The user service. All calls raise UnavailableError when it is down."""

    async def check_exists(self, user_id: str) -> None:
        """Raises UserNotFoundError."""
        ...

    async def token_for(self, user_id: str) -> str:
        """A token to call other services for this user. Raises UserNotFoundError."""
        ...


class Songs(Protocol):
    """The song service, called for the caller. All calls raise UnavailableError when it is down."""

    async def visible(self, song_ids: Sequence[str], token: str | None) -> Sequence[SongOut]:
        """Returns those of `song_ids` that the caller may see, in that order."""
        ...
