"""Albums in the shapes of shared/contracts/albums.py, and what clients send about them."""

from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from album_service.domain import Album, NewAlbum, ShareLink
from album_service.ports import AlbumChanges
from shared.audit import Fields
from shared.clock import to_iso
from shared.contracts.songs import SONGS, SongOut
from shared.http.schemas import FormBool, ReadableText, SentModel

MOST_SONG_IDS = 10_000

MOST_AUDITED_SONGS = 100
"""In one state of an album in the audit log, whose entries are kept for long."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=200), ReadableText]


def public_album(album: Album, *, is_member: bool = False) -> dict[str, object]:
    """The album in its public shape, `AlbumOut`. No model is made of it: a list holds a thousand.

    `is_member`: for callers who see the collaborators.
    """
    shape: dict[str, object] = {
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
    return shape | {"collaboratorIds": album.collaborator_ids} if is_member else shape


def album_json(album: Album, *, is_member: bool = False) -> bytes:
    """The album with all its ids."""
    return to_json(public_album(album, is_member=is_member))


def album_naming_json(album: Album, visible: Collection[str] | None, *, is_member: bool = False) -> bytes:
    """The album where `songIds` names only the songs in `visible`; None: the song service is down."""
    shape = public_album(album, is_member=is_member)
    if visible is None:
        return to_json(shape | {"songIds": [], "songsUnavailable": True})
    return to_json(shape | {"songIds": [each for each in album.song_ids if each in visible]})


def album_with_songs_json(
    album: Album, songs: Sequence[SongOut], *, are_all: bool = True, is_member: bool = False
) -> bytes:
    """The album with `songs`, which alone `songIds` names; `are_all`: whether there are no others to show."""
    shape = public_album(album, is_member=is_member) | {"songIds": [song.id for song in songs]}
    if not are_all:
        shape["songsUnavailable"] = True
    # As the song service sent them: absent fields stay absent.
    songs_json = SONGS.dump_json(list(songs), by_alias=True, exclude_unset=True)
    return to_json(shape)[:-1] + b',"songs":' + songs_json + b"}"


def audited(album: Album) -> Fields:
    """The fields of an album in the audit log."""
    return {
        "title": album.title,
        "isPublic": album.is_public,
        "isVisible": album.is_visible,
        "songCount": len(album.song_ids),
    }


def audited_with_collaborators(album: Album) -> Fields:
    """The same, with the collaborators."""
    return {**audited(album), "collaboratorIds": list(album.collaborator_ids)}


def audited_with_song(album: Album, song_id: str) -> Fields:
    """The same, with this song and its position, if it is in the album."""
    if song_id not in album.song_ids:
        return audited(album)
    return {**audited(album), "songId": song_id, "position": album.song_ids.index(song_id)}


def audited_with_songs(album: Album, moved: range) -> Fields:
    """The same, with the songs at these positions, at most `MOST_AUDITED_SONGS`."""
    song_ids = album.song_ids[moved.start : moved.stop][:MOST_AUDITED_SONGS]
    return {**audited(album), "songIds": list(song_ids), "position": moved.start}


def moved_songs(before: Sequence[str], after: Sequence[str]) -> range:
    """The positions from the first to the last song that another order moves; none: an empty range."""
    moved = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    return range(moved[0], moved[-1] + 1) if moved else range(0)


class AlbumFields(SentModel):
    """The text fields of a new album."""

    title: Title
    is_public: FormBool = False

    def album(self) -> NewAlbum:
        """The album to create."""
        return NewAlbum(self.title, self.is_public)


class AlbumPatch(SentModel):
    """The fields of an album that can be changed; others in the body are ignored."""

    title: Title | None = None
    is_public: bool | None = None

    def changes(self, *, may_publish: bool) -> AlbumChanges:
        """The changes that were sent; `isPublic` is ignored unless the caller may publish."""
        changes: AlbumChanges = {}
        if self.title is not None:
            changes["title"] = self.title
        if self.is_public is not None and may_publish:
            changes["is_public"] = self.is_public
        return changes


class SongOrder(SentModel):
    """All songs of the album that the caller sees, each once, in the new order."""

    song_ids: Annotated[
        list[Annotated[str, StringConstraints(max_length=100)]], Field(max_length=MOST_SONG_IDS)
    ]


class ShareBody(SentModel):
    """How long a link is valid; without `days` until it is revoked."""

    days: Annotated[int | None, Field(ge=1, le=365)] = None


class ShareOut(BaseModel):
    """A link. `path` is that of the API call which returns the album; the token is not shown again."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    token: str
    path: str
    expires_at: str | None


def share_out(link: ShareLink) -> ShareOut:
    """The link, as shown to its creator."""
    expires_at = None if link.expires_at is None else to_iso(link.expires_at)
    return ShareOut(token=link.token, path=f"/albums/shared/{link.token}", expires_at=expires_at)


class VisibilityBody(SentModel):
    """Sets `isPublic`; a body without it flips it."""

    is_public: bool | None = None


class VisibleBody(SentModel):
    """Sets `isVisible`; a body without it flips it."""

    is_visible: bool | None = None
