"""The shapes of albums on the wire, and of what clients send about them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from album_service.domain import Album
from album_service.ports import AlbumChanges
from shared.clock import to_iso
from shared.schemas import FormBool, OneLine, SentModel

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), OneLine]


class AlbumOut(BaseModel):
    """An album; `songIds` in playing order."""

    model_config = ConfigDict(alias_generator=to_camel)

    id: str = Field(alias="_id")
    title: str
    creator_id: str
    creator_name: str
    image_url: str
    song_ids: Sequence[str]
    is_public: bool
    is_visible: bool
    created_at: str
    updated_at: str


class AlbumWithSongs(AlbumOut):
    """An album with its songs, those that the caller may see, in the order of `songIds`.

    `songsUnavailable` is there, and true, when the songs could not be had now.
    """

    songs: Sequence[Mapping[str, Any]]
    songs_unavailable: bool = False


def public_album(album: Album) -> dict[str, object]:
    """The album in its public shape, `AlbumOut`. No model is made of it: a list holds a thousand."""
    return {
        "_id": album.id,
        "title": album.title,
        "creatorId": album.creator_id,
        "creatorName": album.creator_name,
        "imageUrl": album.image.url,
        "songIds": album.song_ids,
        "isPublic": album.is_public,
        "isVisible": album.is_visible,
        "createdAt": to_iso(album.created_at),
        "updatedAt": to_iso(album.updated_at),
    }


def album_json(album: Album) -> bytes:
    """The album as every answer carries it."""
    return to_json(public_album(album))


def album_with_songs_json(album: Album, songs: Sequence[Mapping[str, Any]] | None) -> bytes:
    """The album with `songs`; None: they cannot be had now.

    `songIds` names only songs that are shown, when they are known.
    """
    if songs is None:
        return to_json(public_album(album) | {"songs": [], "songsUnavailable": True})
    return to_json(public_album(album) | {"songIds": [song["_id"] for song in songs], "songs": songs})


class AlbumFields(SentModel):
    """The text fields of a new album."""

    title: Title
    is_public: FormBool = False


class AlbumPatch(SentModel):
    """What of an album can be changed; anything else in the body is ignored."""

    title: Title | None = None
    is_public: bool | None = None

    def changes(self, *, may_publish: bool) -> AlbumChanges:
        """What was sent; `isPublic` counts only from whoever may publish."""
        changes: AlbumChanges = {}
        if self.title is not None:
            changes["title"] = self.title
        if self.is_public is not None and may_publish:
            changes["is_public"] = self.is_public
        return changes


class SongToAdd(SentModel):
    """The song to put at the end."""

    song_id: Annotated[str, StringConstraints(max_length=100)]


class VisibilityBody(SentModel):
    """Sets `isPublic`; a body without it flips it."""

    is_public: bool | None = None


class VisibleBody(SentModel):
    """Sets `isVisible`; a body without it flips it."""

    is_visible: bool | None = None
