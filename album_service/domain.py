"""Albums, which users may also use as private playlists."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.albums import ALBUM_FULL, SONG_IN_ALBUM
from shared.errors import ConflictError, ForbiddenError, NotFoundError
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

    @property
    def is_listed(self) -> bool:
        """Whether everybody may see it: the creator shows it and no admin hides it."""
        return self.is_public and self.is_visible


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
