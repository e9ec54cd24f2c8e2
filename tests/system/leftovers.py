"""What uploads leave behind, wherever they could: documents, notes, media, catalogue entries, files."""

import asyncio
import sqlite3
from pathlib import Path

from tests.system.running import RunningSystem

MOST_LOOKS = 600
SECONDS_BETWEEN_LOOKS = 0.05


def _column(file: Path, query: str) -> set[str]:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
    try:
        return {str(row[0]) for row in connection.execute(query)}
    finally:
        connection.close()


class Leftovers:
    """What there was when this was made."""

    def __init__(self, system: RunningSystem) -> None:
        self._system = system
        self._before = self._there_is()

    def now(self) -> set[str]:
        """What there is now and was not then."""
        return self._there_is() - self._before

    async def since(self) -> set[str]:
        """The same, but for what goes within a moment."""
        for _ in range(MOST_LOOKS):
            if not self.now():
                break
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        return self.now()

    def _there_is(self) -> set[str]:
        folder = self._system.data_dir
        media = folder / "cloud" / "cloudinary"
        songs = _column(folder / "songs.sqlite", "SELECT id FROM songs")
        found = {
            "song": songs,
            "journal entry of a song's media": _column(
                folder / "songs.sqlite", "SELECT public_id FROM media_cleanups"
            ),
            "album": _column(folder / "albums.sqlite", "SELECT id FROM albums"),
            "journal entry of an album's media": _column(
                folder / "albums.sqlite", "SELECT public_id FROM media_cleanups"
            ),
            "medium": _column(media / "assets.sqlite3", "SELECT public_id FROM assets"),
            "file of a medium": {entry.name for entry in (media / "media").iterdir()},
            "incoming file": {entry.name for entry in (media / "incoming").iterdir()},
            # Songs are synced to the engine after their response: earlier ones do not count.
            "catalogue entry": _column(
                folder / "cloud" / "recombee.sqlite", "SELECT id FROM entities WHERE owner = 'items'"
            )
            - songs,
            "temporary file": {entry.name for entry in self._system.temporary_dir.iterdir()},
        }
        return {f"{kind} {name}" for kind, names in found.items() for name in names}
