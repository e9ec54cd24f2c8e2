"""Albums, which users may also use as private playlists."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.albums import ALBUM_FULL, SONG_IN_ALBUM
from shared.errors import ConflictError, ForbiddenError, NotFoundError, PreconditionFailedError
from shared.ports import StoredImage


@dataclass(frozen=True, slots=True)
class NewAlbum:
    """The fields of an album that is not stored yet."""

    title: str
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Album:
    """An album. `song_ids` are in playing order, each at most once. `revision` counts the changes, from 1."""

    id: str
    title: str
    creator_id: str
    creator_name: str
    image: StoredImage
    song_ids: tuple[str, ...]
    is_public: bool
    is_visible: bool
    created_at: datetime
    updated_at: datetime
    revision: int = 1
    collaborator_ids: tuple[str, ...] = ()

    @property
    def is_listed(self) -> bool:
        """Whether everybody may see it: it is public and not hidden by an admin."""
        return self.is_public and self.is_visible


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A new link to an album. Only the user who created it knows its token."""

    token: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredShare:
    """What is stored of a link: the SHA-256 of its token. Without `expires_at` it does not expire."""

    token_hash: str
    album_id: str
    created_at: datetime
    expires_at: datetime | None


class AlbumNotFoundError(NotFoundError):
    """There is no such album, or the caller may not see it."""

    code = "album_not_found"

    def __init__(self) -> None:
        super().__init__("Album not found")


class SongNotFoundError(NotFoundError):
    """There is no such song, the caller may not see it, or it is not in this album."""

    code = "song_not_found"

    def __init__(self) -> None:
        super().__init__("Song not found")


class NotYourAlbumError(ForbiddenError):
    """The album belongs to another user."""

    code = "not_your_album"

    def __init__(self) -> None:
        super().__init__("This is not your album")


class SongInAlbumError(ConflictError):
    """The song is in this album already."""

    code = SONG_IN_ALBUM

    def __init__(self) -> None:
        super().__init__("The song is in this album already")


class AlbumFullError(ConflictError):
    """The album holds as many songs as an album can."""

    code = ALBUM_FULL

    def __init__(self) -> None:
        super().__init__("The album is full")


class AlbumChangedMeanwhileError(ConflictError):
    """Concurrent changes of the album exceeded the attempts."""

    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("The album was changed at the same time; try again")


class AlbumChangedError(PreconditionFailedError):
    """The album has changed since the client read it."""

    code = "album_changed"

    def __init__(self) -> None:
        super().__init__("The album has changed; load it again")


class SongsDifferError(ConflictError):
    """The order does not hold each song of the album once."""

    code = "songs_differ"

    def __init__(self) -> None:
        super().__init__("Send every song of the album exactly once")


class AlbumHiddenError(ConflictError):
    """An admin has hidden the album: a link to it would not work."""

    code = "album_hidden"

    def __init__(self) -> None:
        super().__init__("An admin has hidden this album; it cannot be shared")


class CollaboratorsFullError(ConflictError):
    """The album has the maximum number of collaborators."""

    code = "collaborators_full"

    def __init__(self) -> None:
        super().__init__("The album has 50 collaborators already")


class CreatorIsCollaboratorError(ConflictError):
    """The creator cannot be a collaborator."""

    code = "creator_is_collaborator"

    def __init__(self) -> None:
        super().__init__("The creator is not a collaborator")


class UserNotFoundError(NotFoundError):
    """No such user."""

    code = "user_not_found"

    def __init__(self) -> None:
        super().__init__("User not found")


class SharedAlbumNotFoundError(NotFoundError):
    """The link is unknown, expired or revoked, or its album is not available."""

    code = "shared_album_not_found"

    def __init__(self) -> None:
        super().__init__("This link is not valid")
