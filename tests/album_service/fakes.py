"""What the album service talks to."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import UnavailableError


class NoSongs:
    """A `Songs` in which there are none."""

    async def visible(self, song_ids: Sequence[str], token: str | None) -> Sequence[Mapping[str, Any]]:
        return []


class SomeSongs:
    """A `Songs` of listed ones, and of others that one token each may see.

    It can be down, and unable to know callers.
    """

    def __init__(self, listed: Sequence[str], others: Mapping[str, str] | None = None) -> None:
        self.listed = set(listed)
        self.others = dict(others or {})
        self.is_down = False
        self.knows_callers = True

    async def visible(self, song_ids: Sequence[str], token: str | None) -> Sequence[Mapping[str, Any]]:
        if self.is_down or (token is not None and not self.knows_callers):
            raise UnavailableError("The song service is not available now")
        seen = self.listed | {song_id for song_id, its_token in self.others.items() if its_token == token}
        return [{"_id": each} for each in song_ids if each in seen]
