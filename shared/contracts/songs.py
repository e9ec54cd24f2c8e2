"""Songs as services and clients exchange them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic.alias_generators import to_camel

from shared.http.schemas import LEFT_OUT, SentModel

MAX_BATCH = 500


class StreamingUrls(BaseModel):
    """mp3 at 64, 128 and 320 kbps."""

    low: str
    medium: str
    high: str


class SongOut(BaseModel):
    """A song. `duration` in whole seconds; `genre` and `mood` are left out when unknown."""

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


SONGS = TypeAdapter(list[SongOut])
"""The response to a batch, and every list of songs."""


class SongIds(SentModel):
    """The songs that a batch requests. Malformed ids are treated as unknown ones, which are left out."""

    ids: list[Annotated[str, StringConstraints(max_length=100)]] = Field(max_length=MAX_BATCH)
