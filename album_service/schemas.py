"""Albums in the shapes of shared/contracts/albums.py, and what clients send about them."""

from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import StringConstraints
from pydantic_core import to_json

from album_service.domain import Album, NewAlbum
from album_service.ports import AlbumChanges
from shared.audit import Fields
from shared.clock import to_iso
from shared.contracts.songs import SONGS, SongOut
from shared.http.schemas import FormBool, ReadableText, SentModel

Title = Annotated[str, StringConstraints(min_length=1, max_length=200), ReadableText]


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


def album_with_songs_json(album: Album, songs: Sequence[SongOut], *, are_all: bool = True) -> bytes:
    """The album with `songs`, which alone `songIds` names; `are_all`: whether there are no others to show."""
    shape = public_album(album) | {"songIds": [song.id for song in songs]}
    if not are_all:
        shape["songsUnavailable"] = True
    # As the song service sent them: what it left out stays left out.
    songs_json = SONGS.dump_json(list(songs), by_alias=True, exclude_unset=True)
    return to_json(shape)[:-1] + b',"songs":' + songs_json + b"}"


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


class VisibilityBody(SentModel):
    """Sets `isPublic`; a body without it flips it."""

    is_public: bool | None = None


class VisibleBody(SentModel):
    """Sets `isVisible`; a body without it flips it."""

    is_visible: bool | None = None
