"""Albums as services and clients exchange them."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic.alias_generators import to_camel

from shared.contracts.songs import SongOut
from shared.http.schemas import LEFT_OUT, SentModel

SONG_IN_ALBUM, ALBUM_FULL = "song_in_album", "album_full"
"""Codes of the conflicts when a song is added to an album."""


class AlbumOut(BaseModel):
    """An album; `songIds` in playing order names the songs that the caller may see.

    `songsUnavailable` is present, and true, when some of them are unknown because the song service is down.
    `collaboratorIds` is present for the creator and for collaborators.
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
    collaborator_ids: Annotated[Sequence[str], LEFT_OUT] = ()


class AlbumWithSongs(AlbumOut):
    """An album with its songs, in the order of `songIds`."""

    songs: Sequence[SongOut]


ALBUM = TypeAdapter(AlbumOut)


class SongToAdd(SentModel):
    """The song to add, at `position` among the songs that the caller sees; 0 is first. Without it: last."""

    song_id: Annotated[str, StringConstraints(max_length=100)]
    position: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
