"""What the album service talks to."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from album_service.domain import StoredShare, UserNotFoundError
from shared.contracts.songs import SongOut
from shared.errors import UnavailableError
from song_service.schemas import public_song
from tests.repositories.builders import a_song


def a_shown_song(song_id: str) -> SongOut:
    """The song as the song service returns it."""
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


class Shares:
    """A `ShareRepository` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredShare] = {}

    async def add(self, share: StoredShare) -> None:
        self.kept[share.token_hash] = share

    async def find(self, token_hash: str, moment: datetime) -> str | None:
        share = self.kept.get(token_hash)
        is_valid = share is not None and (share.expires_at is None or share.expires_at > moment)
        return share.album_id if share is not None and is_valid else None

    async def list(self, album_id: str, limit: int, after: str | None) -> Sequence[StoredShare]:
        of_album = sorted(key for key, share in self.kept.items() if share.album_id == album_id)
        return [self.kept[key] for key in of_album if key > (after or "")][:limit]

    async def revoke(self, album_id: str) -> None:
        self.kept = {key: share for key, share in self.kept.items() if share.album_id != album_id}


class Users:
    """A `Users` of these ids."""

    def __init__(self, *user_ids: str) -> None:
        self.user_ids = set(user_ids)

    async def check_exists(self, user_id: str) -> None:
        if user_id not in self.user_ids:
            raise UserNotFoundError

    async def token_for(self, user_id: str) -> str:
        await self.check_exists(user_id)
        return f"token of {user_id}"
