"""Songs for tests of searching, and ways to ask."""

from collections.abc import Sequence
from typing import Any

from shared.http.sorting import Position, SortedSlice
from shared.search import terms_of
from song_service.domain import Song
from song_service.ports import SongRepository
from song_service.search_ports import SongQuery, SongSearch
from tests.repositories.builders import NOON, a_song, minutes


def query(text: str = "", **options: Any) -> SongQuery:
    return SongQuery(terms=terms_of(text), **options)


async def add(songs: SongRepository, *made: Song) -> None:
    for song in made:
        await songs.add(song)


async def all_pages(search: SongSearch, wanted: SongQuery, limit: int) -> Sequence[str]:
    seen: list[str] = []
    after: Position | None = None
    while page := await search.find(wanted, SortedSlice(limit, after)):
        assert len(page) <= limit
        seen += [each.entry.id for each in page]
        after = page[-1].position
    return seen


def many_songs(number: int) -> list[Song]:
    """Songs with titles, durations, artists and moments of which several are equal."""
    titles = ["Alpha", "alpha", "Beta one", "Gamma", "Älpha two", "Delta"]
    return [
        a_song(
            title=titles[each % len(titles)],
            artist_name=f"Artist {each % 4}",
            artist_id=f"{each % 4:024x}",
            album_id=f"{each % 3:024x}" if each % 3 else None,
            genre=["Jazz", "jazz", "Hip-Hop", None][each % 4],
            mood=["calm", None][each % 2],
            duration=100 + each % 5,
            created_at=NOON + minutes(each // 3),
        )
        for each in range(number)
    ]
