"""What the album service talks to."""

from collections.abc import Mapping, Sequence
from typing import Any


class NoSongs:
    """A `Songs` in which there are none."""

    async def visible(self, song_ids: Sequence[str], token: str | None) -> Sequence[Mapping[str, Any]]:
        return []
