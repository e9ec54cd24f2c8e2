"""Songs in the shape of shared/contracts/songs.py, and what clients send about them."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from shared.audit import Fields
from shared.clock import to_iso
from shared.contracts.songs import SongOut
from shared.http.schemas import BodyId, FormBool, ReadableText, SentModel
from song_service.domain import Song, SongChanges, SongDetails

MAX_LABEL = 50

Title = Annotated[str, StringConstraints(min_length=1, max_length=200), ReadableText]
Label = Annotated[str, StringConstraints(max_length=MAX_LABEL), ReadableText]


def song_json(song: Song) -> bytes:
    """The song as every answer carries it."""
    return to_json(public_song(song))


def public_song(song: Song) -> dict[str, object]:
    """The song in its public shape, `SongOut`; what is not known of it is left out.

    No model is made of it: a list holds a thousand, and nobody else is served meanwhile.
    """
    shape: dict[str, object] = {
        "_id": song.id,
        "title": song.title,
        "artistId": song.artist_id,
        "artistName": song.artist_name,
        "imageUrl": song.image.url,
        "audioUrl": song.audio.url,
        "streamingUrls": {
            "low": song.audio.low_url,
            "medium": song.audio.medium_url,
            "high": song.audio.high_url,
        },
        "duration": song.duration,
        "albumId": song.album_id,
    }
    if song.genre:
        shape["genre"] = song.genre
    if song.mood:
        shape["mood"] = song.mood
    return shape | {
        "isPublic": song.is_public,
        "isVisible": song.is_visible,
        "createdAt": to_iso(song.created_at),
        "updatedAt": to_iso(song.updated_at),
    }


def audited(song: Song) -> Fields:
    """What the audit log keeps of a song that an admin changed."""
    return {
        "title": song.title,
        "albumId": song.album_id,
        "genre": song.genre,
        "mood": song.mood,
        "isPublic": song.is_public,
        "isVisible": song.is_visible,
    }


class SongFields(SentModel):
    """The text fields of an upload."""

    title: Title
    album_id: BodyId | None = None
    is_public: FormBool = True
    genre: Label | None = None
    mood: Label | None = None

    def details(self) -> SongDetails:
        """What the artist says of the song."""
        return SongDetails(**self.model_dump())


class SongPatch(SentModel):
    """What of a song can be changed; anything else in the body is ignored. null takes a value away."""

    title: Title | None = None
    album_id: BodyId | None = None
    is_public: bool | None = None
    genre: Label | None = None
    mood: Label | None = None

    def changes(self) -> SongChanges:
        """What was sent; `title` and `isPublic` cannot be taken away, so null leaves them."""
        sent = self.model_fields_set
        changes: SongChanges = {}
        if self.title is not None:
            changes["title"] = self.title
        if self.is_public is not None:
            changes["is_public"] = self.is_public
        if "album_id" in sent:
            changes["album_id"] = self.album_id
        if "genre" in sent:
            changes["genre"] = self.genre or None
        if "mood" in sent:
            changes["mood"] = self.mood or None
        return changes


class GenreCount(BaseModel):
    """A genre, written as most of its songs do, and how many listed songs it has."""

    genre: str
    count: int


class LikedIds(BaseModel):
    """Those of the songs asked for that the caller likes, in the order asked."""

    ids: Sequence[str]


class HistoryEntry(BaseModel):
    """A play. `completed` and `skipped`: what the listener did before playing the song again."""

    model_config = ConfigDict(alias_generator=to_camel)

    song: SongOut
    played_at: str
    completed: bool
    skipped: bool


class StatisticsTotals(BaseModel):
    """Over all songs of an artist. `listeners`: different people; `likes`: given then, not withdrawn."""

    plays: int
    completions: int
    skips: int
    listeners: int
    likes: int


class SongStatistics(StatisticsTotals):
    """Of one song."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    song_id: str
    title: str


class PlaysOnDay(BaseModel):
    """Plays on one UTC day, `YYYY-MM-DD`."""

    date: str
    plays: int


class ArtistStatistics(BaseModel):
    """An artist's songs in the last `days` days. Songs: most played first; days: oldest first."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    days: int
    totals: StatisticsTotals
    songs: Sequence[SongStatistics]
    per_day: Sequence[PlaysOnDay]


class VisibilityBody(SentModel):
    """Sets `isPublic`; a body without it flips it."""

    is_public: bool | None = None


class VisibleBody(SentModel):
    """Sets `isVisible`; a body without it flips it."""

    is_visible: bool | None = None
