"""The shapes of albums on the wire, and of what clients send about them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from album_service.domain import Album, NewAlbum
from album_service.ports import AlbumChanges
from shared.audit import Fields
from shared.clock import to_iso
from shared.http.schemas import LEFT_OUT, FormBool, ReadableText, SentModel

Title = Annotated[str, StringConstraints(min_length=1, max_length=200), ReadableText]


class AlbumOut(BaseModel):
    """An album; `songIds` in playing order names the songs that the caller may see.

    `songsUnavailable` is there, and true, when not all of them can be told now.
    """

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
    songs_unavailable: Annotated[bool, LEFT_OUT] = False


class StreamingUrls(BaseModel):
    """mp3 at 64, 128 and 320 kbps."""

    low: str
    medium: str
    high: str


class SongOut(BaseModel):
    """A song. `duration` in whole seconds; `genre` and `mood` are there where known.

    It is passed on as the song service answered it: this says what that is, and a test that it is so.
    """

    model_config = ConfigDict(alias_generator=to_camel)

    id: str = Field(alias="_id")
    title: str
    artist_id: str
    artist_name: str
    image_url: str
    audio_url: str
    streaming_urls: StreamingUrls
    duration: int
    album_id: str | None
    genre: Annotated[str | None, LEFT_OUT] = None
    mood: Annotated[str | None, LEFT_OUT] = None
    is_public: bool
    is_visible: bool
    created_at: str
    updated_at: str


class AlbumWithSongs(AlbumOut):
    """An album with its songs, in the order of `songIds`."""

    songs: Sequence[SongOut]


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
    """The album with all its ids."""
    return to_json(public_album(album))


def album_naming_json(album: Album, visible: Collection[str] | None) -> bytes:
    """The album where `songIds` names only what is in `visible`; None: nobody can say now what is."""
    if visible is None:
        return to_json(public_album(album) | {"songIds": [], "songsUnavailable": True})
    return to_json(public_album(album) | {"songIds": [each for each in album.song_ids if each in visible]})


def album_with_songs_json(album: Album, songs: Sequence[Mapping[str, Any]], *, are_all: bool = True) -> bytes:
    """The album with `songs`, which alone `songIds` names; `are_all`: whether there are no others to show."""
    shape = public_album(album) | {"songIds": [song["_id"] for song in songs], "songs": songs}
    return to_json(shape if are_all else shape | {"songsUnavailable": True})


def audited(album: Album) -> Fields:
    """What the audit log keeps of an album that an admin changed."""
    return {
        "title": album.title,
        "isPublic": album.is_public,
        "isVisible": album.is_visible,
        "songCount": len(album.song_ids),
    }


class AlbumFields(SentModel):
    """The text fields of a new album."""

    title: Title
    is_public: FormBool = False

    def album(self) -> NewAlbum:
        """The album that is to be made."""
        return NewAlbum(self.title, self.is_public)


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
