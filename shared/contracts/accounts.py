"""Messages of the user service to the others when an account changes, is deleted or is exported."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from shared.contracts.albums import AlbumOut
from shared.contracts.songs import SongOut
from shared.contracts.users import UserOut


class ProfileChange(BaseModel):
    """What songs and albums carry of a user's profile."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    full_name: str


class Remaining(BaseModel):
    """How many songs or albums are still to be deleted: the call is repeated until there are none."""

    model_config = ConfigDict(frozen=True)

    remaining: int


REMAINING = TypeAdapter(Remaining)


class _Exported(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class ExportedLike(_Exported):
    """A song that the user likes."""

    song_id: str
    liked_at: str


class ExportedInteraction(_Exported):
    """The user played, completed or skipped a song."""

    song_id: str
    at: str


class SongExport(_Exported):
    """What the song service stores about a user, each list newest first.

    Plays before `historyClearedAt` are not in the history any more, but still count.
    """

    history_cleared_at: str | None
    uploaded: Sequence[SongOut]
    likes: Sequence[ExportedLike]
    plays: Sequence[ExportedInteraction]
    completions: Sequence[ExportedInteraction]
    skips: Sequence[ExportedInteraction]


class ExportedCollaboration(_Exported):
    """An album of somebody else that the user may arrange."""

    album_id: str


class ExportedShareLink(_Exported):
    """A link to an album of the user. Its token is not stored. Without `expiresAt` it does not expire."""

    album_id: str
    created_at: str
    expires_at: str | None


class AlbumExport(_Exported):
    """What the album service stores about a user; albums newest first, as `GET /albums/{id}` shows them to
    the creator: `songIds` names the songs that the user may see.
    """

    created: Sequence[AlbumOut]
    collaborations: Sequence[ExportedCollaboration]
    share_links: Sequence[ExportedShareLink]


class ExportedChange(_Exported):
    """A change of the account by an admin, from the audit log."""

    at: str
    action: str
    before: Mapping[str, str | int | bool | None] | None
    after: Mapping[str, str | int | bool | None] | None


class ExportedAccount(_Exported):
    """What the user service stores about a user.

    `profileAt` is the time of the last change of Clerk's record from which name, e-mail and image were taken.
    """

    user: UserOut
    profile_at: str | None
    changes: Sequence[ExportedChange]


class AccountExport(_Exported):
    """Everything that is stored about a user. Other users and their songs and albums appear by id only."""

    exported_at: str = Field(description="When the export began: later changes may be missing")
    account: ExportedAccount
    songs: SongExport
    albums: AlbumExport
