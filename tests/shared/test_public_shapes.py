"""The JSON of songs and albums matches the API's schemas, field by field."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from pydantic import BaseModel

from album_service.domain import Album
from album_service.schemas import album_json, album_naming_json, album_with_songs_json, public_album
from shared.contracts.albums import AlbumOut, AlbumWithSongs
from shared.contracts.songs import SongOut, StreamingUrls
from song_service.domain import Song
from song_service.schemas import public_song, song_json
from tests.repositories.builders import a_song, an_album

WHOLE = replace(a_song(title='"Señor" \\ 🎷'), genre="Jazz", mood="Calm", album_id="e" * 24)
ALBUM = an_album(title='"Über" 🎷')


def names(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def optional(model: type[BaseModel]) -> set[str]:
    """The fields that are left out when there is nothing to say."""
    return {field.alias or name for name, field in model.model_fields.items() if not field.is_required()}


def as_described(model: type[BaseModel], shape: Mapping[str, object]) -> dict[str, object]:
    return model.model_validate(shape, strict=True).model_dump(mode="json", by_alias=True, exclude_unset=True)


@pytest.mark.parametrize("song", [WHOLE, a_song(), replace(a_song(is_public=False), genre=None)])
def test_song_json_matches_its_schema(song: Song) -> None:
    returned = json.loads(song_json(song))
    assert as_described(SongOut, public_song(song)) == returned
    unknown = {
        field.alias or name
        for name, field in SongOut.model_fields.items()
        if not field.is_required() and getattr(song, name) is None
    }
    assert returned.keys() == names(SongOut) - unknown
    assert returned["streamingUrls"].keys() == names(StreamingUrls)


@pytest.mark.parametrize("album", [ALBUM, an_album(), replace(ALBUM, song_ids=("d" * 24, "e" * 24))])
def test_album_json_matches_its_schema(album: Album) -> None:
    returned = json.loads(album_json(album))
    assert as_described(AlbumOut, public_album(album)) == returned
    assert returned.keys() == names(AlbumOut) - optional(AlbumOut)
    assert json.loads(album_naming_json(album, set(album.song_ids))) == returned
    unsaid = json.loads(album_naming_json(album, None))
    assert as_described(AlbumOut, unsaid) == unsaid
    assert unsaid == {**returned, "songIds": [], "songsUnavailable": True}


def test_album_with_songs_matches_its_schema() -> None:
    song = json.loads(song_json(WHOLE))
    returned = json.loads(album_with_songs_json(ALBUM, [SongOut.model_validate(song)]))
    assert as_described(AlbumWithSongs, returned) == returned
    assert (returned["songIds"], returned["songs"]) == ([WHOLE.id], [song])
    assert returned.keys() == names(AlbumWithSongs) - optional(AlbumWithSongs)
    in_part = json.loads(album_with_songs_json(ALBUM, [], are_all=False))
    assert in_part.keys() == (names(AlbumWithSongs) - optional(AlbumWithSongs)) | {"songsUnavailable"}
    assert (in_part["songIds"], in_part["songs"], in_part["songsUnavailable"]) == ([], [], True)


def test_times_and_texts_are_serialized_unchanged() -> None:
    text = song_json(WHOLE).decode()
    assert '"title":"\\"Señor\\" \\\\ 🎷"' in text
    assert '"createdAt":"2026-03-01T12:00:00.123Z"' in text
