"""Likes in memory, with state."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.http.pagination import Slice
from shared.ids import new_id
from song_service.domain import Like, LikeChange

NOT_LEASED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class _State:
    change: LikeChange
    is_synced: bool = False
    leased_until: datetime = NOT_LEASED
    claimed: str = ""


class Likes:
    """A `LikeRepository`."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, str], _State] = {}

    async def like(self, user_id: str, song_id: str, moment: datetime) -> bool:
        return self._set(user_id, song_id, moment, is_liked=True)

    async def unlike(self, user_id: str, song_id: str, moment: datetime) -> bool:
        return self._set(user_id, song_id, moment, is_liked=False)

    def _set(self, user_id: str, song_id: str, moment: datetime, *, is_liked: bool) -> bool:
        state = self.states.get((user_id, song_id))
        if (state.change.is_liked if state else False) is is_liked:
            return False
        change = LikeChange(user_id, song_id, is_liked, moment, new_id())
        if state is None:
            self.states[user_id, song_id] = _State(change)
        else:
            state.change, state.is_synced = change, False
        return True

    async def list(self, user_id: str, part: Slice) -> Sequence[Like]:
        likes = [
            Like(user_id, song_id, state.change.at)
            for (owner, song_id), state in self.states.items()
            if owner == user_id and state.change.is_liked
        ]
        likes.sort(key=lambda like: (like.created_at, like.song_id), reverse=True)
        after = part.after
        later = [
            like
            for like in likes
            if after is None or (like.created_at, like.song_id) < (after.created_at, after.id)
        ]
        return later[: part.limit]

    async def liked_among(self, user_id: str, song_ids: Collection[str]) -> Collection[str]:
        return {like.song_id for like in await self.list(user_id, Slice(10**6))} & set(song_ids)

    async def count_by_song(self, song_ids: Collection[str], since: datetime) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for (_, song_id), state in self.states.items():
            if song_id in song_ids and state.change.is_liked and state.change.at >= since:
                counts[song_id] = counts.get(song_id, 0) + 1
        return counts

    async def remove_of_song(self, song_id: str) -> None:
        self.states = {key: state for key, state in self.states.items() if key[1] != song_id}

    async def remove_of_user(self, user_id: str) -> None:
        self.states = {key: state for key, state in self.states.items() if key[0] != user_id}

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[LikeChange]:
        free = [each for each in self.states.values() if not each.is_synced and each.leased_until <= moment]
        for state in free[:limit]:
            state.leased_until, state.claimed = lease_until, state.change.change_id
        return [state.change for state in free[:limit]]

    async def mark_synced(self, changes: Sequence[LikeChange]) -> None:
        for change in changes:
            state = self.states.get((change.user_id, change.song_id))
            if state is None:
                continue
            if state.claimed == change.change_id:
                state.leased_until = NOT_LEASED
            state.is_synced = state.change == change
            if state.is_synced and not change.is_liked:
                del self.states[change.user_id, change.song_id]

    async def count_unsynced(self) -> int:
        return sum(not state.is_synced for state in self.states.values())
