"""Albums, which users may also use as private playlists."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.albums import ALBUM_FULL, SONG_IN_ALBUM
from shared.errors import ConflictError, ForbiddenError, NotFoundError, PreconditionFailedError
from shared.ports import StoredImage


@dataclass(frozen=True, slots=True)
class NewAlbum:
    """What its creator says of an album that is not stored yet."""

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
        """Whether everybody may see it: the creator shows it and no admin hides it."""
        return self.is_public and self.is_visible


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A new link to an album. Its token is known to whoever made it, and to nobody else."""

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
    """No such album, or not one that the caller may know of."""

    code = "album_not_found"

    def __init__(self) -> None:
        super().__init__("Album not found")


class SongNotFoundError(NotFoundError):
    """No such song, or not one that the caller may know of, or not in this album."""

    code = "song_not_found"

    def __init__(self) -> None:
        super().__init__("Song not found")


class NotYourAlbumError(ForbiddenError):
    """Another's album."""

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
    """Somebody else changed the album between reading and writing it, again and again."""

    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("The album was changed at the same time; try again")


class AlbumChangedError(PreconditionFailedError):
    """The album is not any more as the client knows it."""

    code = "album_changed"

    def __init__(self) -> None:
        super().__init__("The album has changed; load it again")


class SongsDifferError(ConflictError):
    """An order that is not one of the album's songs, each once."""

    code = "songs_differ"

    def __init__(self) -> None:
        super().__init__("Send every song of the album exactly once")


class CollaboratorsFullError(ConflictError):
    """As many people as can arrange an album together."""

    code = "collaborators_full"

    def __init__(self) -> None:
        super().__init__("The album has 50 collaborators already")


class CreatorIsCollaboratorError(ConflictError):
    """Whoever made the album needs no invitation."""

    code = "creator_is_collaborator"

    def __init__(self) -> None:
        super().__init__("The creator is not a collaborator")


class UserNotFoundError(NotFoundError):
    """No such user."""

    code = "user_not_found"

    def __init__(self) -> None:
        super().__init__("User not found")


class SharedAlbumNotFoundError(NotFoundError):
    """A link that leads nowhere, for whatever reason."""

    code = "shared_album_not_found"

    def __init__(self) -> None:
        super().__init__("This link is not valid")
