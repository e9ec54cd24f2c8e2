"""What a whole list costs the event loop: `python -m bench.rows [songs]`.

Prints processor milliseconds for the JSON of so many songs, each through its model and straight from its
fields, taken in turns, and the ratio of the two medians.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from shared.contracts.songs import SongOut
from shared.http.rows import Rows
from shared.ports import StoredAudio, StoredImage
from song_service.domain import Song
from song_service.schemas import public_song, song_json

TURNS = 30


def songs(count: int) -> list[Song]:
    """This many songs, equal except for their ids."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    host = "https://res.cloudinary.com/demo/video/upload"
    return [
        Song(
            id=f"{number:024x}",
            title=f"Song {number}",
            artist_id="a" * 24,
            artist_name="An Artist",
            image=StoredImage("cover", f"{host}/v1/songs/{number}/cover.jpg"),
            audio=StoredAudio("audio", *[f"{host}/br_{rate}/v1/{number}.mp3" for rate in (0, 64, 128, 320)]),
            duration=200,
            album_id=None,
            genre="Jazz",
            mood=None,
            is_public=True,
            is_visible=True,
            created_at=moment,
            updated_at=moment,
            revision=1,
        )
        for number in range(count)
    ]


def through_model(song: Song) -> bytes:
    """The same JSON, checked against the model first."""
    return (
        SongOut.model_validate(public_song(song)).model_dump_json(by_alias=True, exclude_unset=True).encode()
    )


def milliseconds(encode: Callable[[Song], bytes], listed: list[Song]) -> float:
    """For the whole list, as in a response."""
    began = time.process_time()
    Rows([encode(song) for song in listed]).content()
    return (time.process_time() - began) * 1000


def main() -> None:
    listed = songs(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    assert [through_model(song) for song in listed] == [song_json(song) for song in listed]  # noqa: S101
    model, straight = zip(
        *((milliseconds(through_model, listed), milliseconds(song_json, listed)) for _ in range(TURNS)),
        strict=True,
    )
    slow, fast = statistics.median(model), statistics.median(straight)
    ratio = f"{slow / fast:.1f} to 1"
    print(f"{len(listed)} songs: {slow:.1f} ms through the model, {fast:.1f} ms straight: {ratio}")


if __name__ == "__main__":
    main()
