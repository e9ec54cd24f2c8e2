"""What the album service talks to."""

from collections.abc import Mapping, Sequence

from shared.contracts.songs import SongOut
from shared.errors import UnavailableError
from song_service.schemas import public_song
from tests.repositories.builders import a_song


def a_shown_song(song_id: str) -> SongOut:
    """The song as the song service answers it."""
    return SongOut.model_validate(public_song(a_song(song_id=song_id)))


class NoSongs:
    """A `Songs` in which there are none."""

    async def visible(self, song_ids: Sequence[str], token: str | None) -> Sequence[SongOut]:
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

    async def visible(self, song_ids: Sequence[str], token: str | None) -> Sequence[SongOut]:
        if self.is_down or (token is not None and not self.knows_callers):
            raise UnavailableError("The song service is not available now")
        seen = self.listed | {song_id for song_id, its_token in self.others.items() if its_token == token}
        return [a_shown_song(each) for each in song_ids if each in seen]
