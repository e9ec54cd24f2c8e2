"""Songs and what listeners do with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypedDict

from shared.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    UnavailableError,
)
from shared.ports import StoredAudio, StoredImage

ENGINE_DOWN = "Recommendations are not available now"


@dataclass(frozen=True, slots=True, kw_only=True)
class SongDetails:
    """The editable fields of a song."""

    title: str
    album_id: str | None = None
    genre: str | None = None
    mood: str | None = None
    is_public: bool = True


DETAILS = tuple(field.name for field in fields(SongDetails))
"""The names of the fields of SongDetails, for code that stores or shows all of them."""


def values_of(details: SongDetails) -> dict[str, Any]:
    """The fields of SongDetails by name, of a song as well."""
    return {name: getattr(details, name) for name in DETAILS}


class SongChanges(TypedDict, total=False):
    """Changes of a song; absent fields stay unchanged."""

    title: str
    artist_name: str
    album_id: str | None
    genre: str | None
    mood: str | None
    is_public: bool
    is_visible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Song(SongDetails):
    """A song. `duration` is in whole seconds.

    `revision` counts the changes, from 1: it distinguishes a synced catalogue entry from an outdated one.
    """

    id: str
    artist_id: str
    artist_name: str
    image: StoredImage
    audio: StoredAudio
    duration: int
    is_visible: bool
    created_at: datetime
    updated_at: datetime
    revision: int = 1

    @property
    def is_listed(self) -> bool:
        """Whether everybody may see it: it is public and not hidden by an admin."""
        return self.is_public and self.is_visible


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A song's state at `revision`, to be synced to the recommendation engine; `song` None: it is deleted.

    `leased_until` names the lease that it was claimed with.
    """

    song_id: str
    revision: int
    song: Song | None
    leased_until: datetime | None = field(default=None, compare=False)


class InteractionKind(StrEnum):
    """What a listener did with a song."""

    PLAY = "play"
    COMPLETE = "complete"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Interaction:
    """A listener did something with a song at `at`. `dedup_key` is unique."""

    id: str
    user_id: str
    song_id: str
    kind: InteractionKind
    at: datetime
    dedup_key: str

    @property
    def created_at(self) -> datetime:
        """The same as `at`: lists are ordered by it."""
        return self.at


@dataclass(frozen=True, slots=True)
class Earlier:
    """An interaction with this key, that happened after `since`."""

    dedup_key: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Like:
    """A listener likes a song since `created_at`. In a list of likes its `id` is the song's."""

    user_id: str
    song_id: str
    created_at: datetime

    @property
    def id(self) -> str:
        """The song's id: a listener likes a song once."""
        return self.song_id


@dataclass(frozen=True, slots=True)
class LikeChange:
    """The latest change of a like, not yet synced. `change_id` identifies this change alone.

    `leased_until` names the lease that it was claimed with.
    """

    user_id: str
    song_id: str
    is_liked: bool
    at: datetime
    change_id: str
    leased_until: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Play:
    """An entry of a listener's history: they started `song_id` at `created_at`."""

    id: str
    song_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PlayCounts:
    """How often a song was played, completed and skipped, and by how many different listeners."""

    plays: int = 0
    completions: int = 0
    skips: int = 0
    listeners: int = 0


@dataclass(frozen=True, slots=True)
class PlayReport:
    """What happened to some songs since a day. `listeners` are different people over all of the songs.

    Songs and days without interactions are left out of `by_song` and `plays_by_day`.
    """

    by_song: Mapping[str, PlayCounts]
    plays_by_day: Mapping[date, int]
    listeners: int


class SongNotFoundError(NotFoundError):
    """There is no such song, or the caller may not see it."""

    code = "song_not_found"

    def __init__(self) -> None:
        super().__init__("Song not found")


class NotYourSongError(ForbiddenError):
    """The song belongs to another artist."""

    code = "not_your_song"

    def __init__(self) -> None:
        super().__init__("This is not your song")


class SongChangedMeanwhileError(ConflictError):
    """Concurrent changes of the song exceeded the attempts."""

    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("The song was changed at the same time; try again")


class EngineTimeoutError(UnavailableError):
    """The recommendation engine timed out; a smaller batch may succeed."""

    def __init__(self) -> None:
        super().__init__(ENGINE_DOWN)
