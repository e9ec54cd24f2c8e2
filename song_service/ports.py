"""The ports of the song service: what it needs from outside."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, overload

from shared.http.pagination import Slice
from song_service.domain import CatalogueEntry, Earlier, Interaction, LikeChange, Song, SongChanges


@dataclass(frozen=True, slots=True)
class SongFilter:
    """Which songs a list holds; the default is all of them."""

    listed_only: bool = False
    artist_id: str | None = None


class SongRepository(Protocol):
    """The songs. Lists are ordered by (`created_at`, `id`), descending. Deleted songs are never returned.

    Every addition, change and deletion marks the song as unsynced in the same document, atomically, so that
    no change is missed by the recommendation engine.
    """

    async def add(self, song: Song) -> None:
        """Store a new song."""
        ...

    async def get(self, song_id: str) -> Song:
        """Raises SongNotFoundError."""
        ...

    async def get_many(self, song_ids: Sequence[str]) -> Sequence[Song]:
        """Those of `song_ids` that exist, in any order, each once."""
        ...

    async def list(self, wanted: SongFilter, part: Slice) -> Sequence[Song]:
        """Songs that `wanted` describes, newest first."""
        ...

    async def count(self, wanted: SongFilter) -> int:
        """The number of songs that `wanted` describes."""
        ...

    @overload
    async def change(self, song_id: str, changes: SongChanges) -> Song: ...

    @overload
    async def change(self, song_id: str, changes: SongChanges, *, if_revision: int | None) -> Song | None: ...

    async def change(
        self, song_id: str, changes: SongChanges, *, if_revision: int | None = None
    ) -> Song | None:
        """Store `changes` atomically, with a new `updated_at` and the next `revision`. Returns the song.

        With `if_revision`, only while the song is at that revision: otherwise returns None and changes
        nothing.

        Raises:
            SongNotFoundError: there is no such song.
        """
        ...

    async def remove(self, song_id: str) -> None:
        """Delete it; a tombstone stays until the deletion is synced (`mark_catalogue_synced`).

        Raises:
            SongNotFoundError: there is no such song.
        """
        ...

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[CatalogueEntry]:
        """Returns songs whose current state is not synced, oldest change first, with a lease.

        No other worker gets them before `lease_until`, or `mark_catalogue_synced` if that is earlier, not
        even when they change in the meantime: two states of a song in flight at once could arrive in the
        wrong order.
        """
        ...

    async def mark_catalogue_synced(self, entries: Sequence[CatalogueEntry]) -> None:
        """Mark these as synced. The tombstone of a deleted one is removed.

        A song that has changed since then stays unsynced, even if its newer state was sent: that may have
        arrived first.
        """
        ...

    async def count_unsynced(self, song_ids: Collection[str] | None = None) -> int:
        """Returns the number of unsynced songs, in all or among these."""
        ...


class InteractionRepository(Protocol):
    """Interactions: the listening history, and the queue of unsynced ones."""

    async def add(self, interaction: Interaction, unless: Earlier | None = None) -> bool:
        """Store it. Returns False, and stores nothing, when its `dedup_key` exists, or there is such an
        earlier one.
        """
        ...

    async def move(self, dedup_keys: Collection[str], until: datetime, at: datetime) -> None:
        """Set the time of those with one of these keys that happened up to `until`: they happened at `at`."""
        ...

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[Interaction]:
        """The oldest that are not synced; no other worker gets them before `lease_until`."""
        ...

    async def mark_synced(self, interactions: Sequence[Interaction]) -> None:
        """Mark these as synced, or as refused by the engine."""
        ...

    async def count_unsynced(self) -> int:
        """Returns the number of unsynced interactions."""
        ...

    async def most_played(self, since: datetime, limit: int) -> Sequence[str]:
        """Ids of the songs most played or completed since then; removed ones may be among them."""
        ...

    async def latest_listener(self) -> str | None:
        """Returns the user id of the last synced interaction; None when there is none."""
        ...


class RecommendationEngine(Protocol):
    """The recommendation engine. All calls raise UnavailableError when it is down.

    Returns song ids, best first, of songs that are listed in its catalogue; callers check them again.
    """

    async def prepare(self) -> None:
        """Create the item properties that `send_catalogue` needs."""
        ...

    async def send_catalogue(self, entries: Sequence[CatalogueEntry]) -> None:
        """Sync these songs to its catalogue, in any order.

        Raises:
            EngineTimeoutError: it timed out; it may have stored all, some or none of them.
        """
        ...

    async def send_interactions(self, interactions: Sequence[Interaction]) -> None:
        """Send interactions. Idempotent. Those with unknown songs are ignored.

        Raises:
            EngineTimeoutError: it timed out; it may have stored all, some or none of them.
        """
        ...

    async def send_likes(self, changes: Sequence[LikeChange]) -> None:
        """Send likes and withdrawn likes, at most one change of each. Idempotent.

        Raises:
            EngineTimeoutError: it timed out; it may have stored all, some or none of them.
        """
        ...

    async def for_user(self, user_id: str, count: int) -> Sequence[str]:
        """For this listener; empty when it does not know them."""
        ...

    async def similar(self, song_id: str, count: int) -> Sequence[str]:
        """Songs similar to this one, not personalised; empty when it does not know the song."""
        ...

    async def trending(self, on_behalf_of: str, count: int) -> Sequence[str]:
        """Popular now. The engine needs a known user for every recommendation."""
        ...

    async def delete_user(self, user_id: str) -> None:
        """Delete the listener with all interactions; idempotent."""
        ...

    async def ping(self) -> bool:
        """Whether it responds and accepts our credentials."""
        ...


class Albums(Protocol):
    """The album service, called for the caller. All calls raise UnavailableError when it is down."""

    async def check_made_by(
        self, album_id: str, token: str, creator_ids: Collection[str]
    ) -> Collection[str] | None:
        """Require that one of these users made the album. Returns its song ids; None when they are unknown
        now.

        Raises:
            InvalidError: there is no such album for the caller, or it belongs to another user.
        """
        ...

    async def append(self, album_id: str, song_id: str, token: str) -> None:
        """Append the song to the album. Idempotent."""
        ...

    async def take_out(self, album_id: str, song_id: str, token: str) -> None:
        """Remove the song from the album. Idempotent."""
        ...
