"""The ports for the personal library and the statistics of artists."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from shared.http.pagination import Slice
from song_service.domain import Interaction, InteractionKind, Like, LikeChange, Play, PlayReport


class LikeRepository(Protocol):
    """Who likes which song, and the queue of changes that the recommendation engine has not received."""

    async def like(self, user_id: str, song_id: str, moment: datetime) -> bool:
        """Like the song; False when the listener did already, and nothing changed."""
        ...

    async def unlike(self, user_id: str, song_id: str, moment: datetime) -> bool:
        """Withdraw the like; False when there is none, and nothing changed."""
        ...

    async def list(self, user_id: str, part: Slice) -> Sequence[Like]:
        """The listener's likes, most recent first; equal moments by song id, descending."""
        ...

    async def liked_among(self, user_id: str, song_ids: Collection[str]) -> Collection[str]:
        """Those of `song_ids` that the listener likes."""
        ...

    async def count_by_song(self, song_ids: Collection[str], since: datetime) -> Mapping[str, int]:
        """How many likes since then each song has; songs without any are left out."""
        ...

    async def remove_of_song(self, song_id: str) -> None:
        """Delete all likes of a deleted song; nothing is sent to the engine."""
        ...

    async def remove_of_user(self, user_id: str) -> None:
        """Delete all likes of a deleted listener; nothing is sent to the engine."""
        ...

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[LikeChange]:
        """The oldest changes that the engine has not received; of each like only its latest.

        No other worker gets them before `lease_until`, or `mark_synced` when that is earlier, not even when
        they change in the meantime: two changes of one like in flight at once could arrive in the wrong
        order.
        """
        ...

    async def mark_synced(self, changes: Sequence[LikeChange]) -> None:
        """The engine has received these. A like that has changed again stays unsynced."""
        ...

    async def count_unsynced(self) -> int:
        """How many likes have a change that the engine has not received."""
        ...


class HistoryRepository(Protocol):
    """What a listener played, read from the interactions."""

    async def plays(self, user_id: str, part: Slice) -> Sequence[Play]:
        """Plays since the history was cleared, newest first."""
        ...

    async def interactions(
        self, user_id: str, song_ids: Collection[str], since: datetime, until: datetime
    ) -> Sequence[Interaction]:
        """All kinds of interactions of the listener with these songs, `since` and `until` included."""
        ...

    async def of_kind(self, user_id: str, kind: InteractionKind, part: Slice) -> Sequence[Interaction]:
        """The listener's interactions of one kind, cleared from the history or not, newest first."""
        ...

    async def count_by_song(self, user_id: str) -> Mapping[str, int]:
        """How many plays of each song the history holds."""
        ...

    async def clear(self, user_id: str, moment: datetime) -> None:
        """Leave everything up to `moment` out of the history. The interactions still count."""
        ...

    async def cleared_at(self, user_id: str) -> datetime | None:
        """The moment up to which the history was cleared; None when it never was."""
        ...

    async def remove_of_user(self, user_id: str) -> None:
        """Delete the interactions of a deleted listener."""
        ...


class PlayStatistics(Protocol):
    """Plays, completions, skips and listeners of songs, computed from interactions.

    Days are UTC. Each day that is over is summarised once (`roll_up`), and can be recomputed from its
    interactions; the days after the last summary are read from the interactions themselves.
    """

    async def last_rolled_up(self) -> date | None:
        """The day up to which all days are summarised; None when none is."""
        ...

    async def first_day(self) -> date | None:
        """The day of the oldest interaction; None when there is none."""
        ...

    async def roll_up(self, day: date) -> None:
        """Summarise `day`, the one after the last that was, from its interactions. Idempotent."""
        ...

    async def report(self, song_ids: Collection[str], first_day: date) -> PlayReport:
        """Plays, completions, skips and listeners of these songs from `first_day` until now."""
        ...

    async def plays_in_total(self, song_ids: Collection[str]) -> Mapping[str, int]:
        """The total plays of each of these songs; songs without plays are left out."""
        ...

    async def played_since(self, moment: datetime) -> Collection[str]:
        """Ids of the songs that were played since then."""
        ...

    async def remove_listener(self, user_id: str) -> None:
        """Delete the record of which songs a listener played; plays still count."""
        ...
