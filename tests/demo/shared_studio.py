"""A studio for all seedings of a test file."""

from embedded.demo.covers import Cover
from embedded.demo.songs import Album, Song
from embedded.demo.studio import Recording, Studio


class SharedStudio(Studio):
    """For several seedings: its processes start once, and make each song and each cover once."""

    def __init__(self) -> None:
        super().__init__()
        self._recordings: dict[str, Recording] = {}
        self._covers: dict[str, Cover] = {}

    async def record(self, song: Song, artist_name: str) -> Recording:
        if song.title not in self._recordings:
            self._recordings[song.title] = await super().record(song, artist_name)
        return self._recordings[song.title]

    async def draw(self, album: Album, artist_name: str) -> Cover:
        if album.title not in self._covers:
            self._covers[album.title] = await super().draw(album, artist_name)
        return self._covers[album.title]

    async def close(self) -> None:
        """Stays open for the next seeding."""

    async def end(self) -> None:
        await super().close()
