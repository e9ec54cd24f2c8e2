"""The shapes of albums on the wire, and of what clients send about them."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from album_service.domain import Album
from album_service.ports import AlbumChanges
from shared.clock import to_iso
from shared.schemas import FormBool, OneLine, SentModel

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), OneLine]


class AlbumOut(BaseModel):
    """An album; `songIds` in playing order."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

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


def album_out(album: Album) -> AlbumOut:
    """The album in its public shape."""
    return AlbumOut(
        id=album.id,
        title=album.title,
        creator_id=album.creator_id,
        creator_name=album.creator_name,
        image_url=album.image.url,
        song_ids=album.song_ids,
        is_public=album.is_public,
        is_visible=album.is_visible,
        created_at=to_iso(album.created_at),
        updated_at=to_iso(album.updated_at),
    )


def album_json(album: Album) -> bytes:
    """The album as every answer carries it."""
    return album_out(album).model_dump_json(by_alias=True).encode()


def album_with_songs_json(album: Album, songs: Sequence[Mapping[str, Any]] | None) -> bytes:
    """The album with `songs`; None: they cannot be had now.

    `songIds` names only songs that are shown, when they are known.
    """
    shape = album_out(album).model_dump(by_alias=True)
    if songs is None:
        shape |= {"songs": [], "songsUnavailable": True}
    else:
        shape |= {"songIds": [song["_id"] for song in songs], "songs": songs}
    return json.dumps(shape, ensure_ascii=False, separators=(",", ":")).encode()


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
