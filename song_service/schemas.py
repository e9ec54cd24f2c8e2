"""Songs in the shape of shared/contracts/songs.py, and the request bodies of clients."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Annotated, cast

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from shared.audit import Fields
from shared.clock import to_iso
from shared.contracts.songs import SongOut
from shared.http.schemas import BodyId, FormBool, ReadableText, SentModel
from song_service.domain import Song, SongChanges, SongDetails, values_of

MAX_LABEL = 50

Title = Annotated[str, StringConstraints(min_length=1, max_length=200), ReadableText]
Label = Annotated[str, StringConstraints(max_length=MAX_LABEL), ReadableText]


_OF_OTHER_NAMES: Mapping[str, Callable[[Song], object]] = {
    "image_url": lambda song: song.image.url,
    "audio_url": lambda song: song.audio.url,
    "streaming_urls": lambda song: {
        "low": song.audio.low_url,
        "medium": song.audio.medium_url,
        "high": song.audio.high_url,
    },
    "created_at": lambda song: to_iso(song.created_at),
    "updated_at": lambda song: to_iso(song.updated_at),
}

_SHAPE = [
    (field.alias or name, _OF_OTHER_NAMES.get(name) or attrgetter(name), field.is_required())
    for name, field in SongOut.model_fields.items()
]
"""For each field of SongOut: its name in JSON, the path of its value, and whether it is always present."""


def song_json(song: Song) -> bytes:
    """The song as in every response."""
    return to_json(public_song(song))


def public_song(song: Song) -> dict[str, object]:
    """The song in its public shape, `SongOut`; unknown fields are left out. No model is built: a list holds a
    thousand, and would block the event loop.
    """
    shape = {}
    for name, value_of, is_required in _SHAPE:
        value = value_of(song)
        if value or is_required:
            shape[name] = value
    return shape


def audited(song: Song) -> Fields:
    """The fields of a song in the audit log."""
    details = {to_camel(name): value for name, value in values_of(song).items()}
    return {**details, "isVisible": song.is_visible}


class _Removable(SentModel):
    """Fields that an artist may set, and remove with null."""

    album_id: BodyId | None = None
    genre: Label | None = None
    mood: Label | None = None


class SongFields(_Removable):
    """The text fields of an upload."""

    title: Title
    is_public: FormBool = True

    def details(self) -> SongDetails:
        """The fields that the artist sent."""
        return SongDetails(**self.model_dump())


class SongPatch(_Removable):
    """The fields of a song that can be changed; others in the body are ignored."""

    title: Title | None = None
    is_public: bool | None = None

    def changes(self) -> SongChanges:
        """The changes that were sent; `title` and `isPublic` cannot be removed, so null leaves them
        unchanged.
        """
        sent = {name: getattr(self, name) for name in self.model_fields_set}
        changes = {
            name: None if value == "" else value
            for name, value in sent.items()
            if value is not None or name in _Removable.model_fields
        }
        return cast("SongChanges", changes)


class GenreCount(BaseModel):
    """A genre in its most frequent spelling, and the number of its listed songs."""

    genre: str
    count: int


class LikedIds(BaseModel):
    """The requested songs that the caller likes, in the order of the request."""

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
