"""What the song service needs from outside."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, overload

from shared.http.pagination import Slice
from song_service.domain import CatalogueEntry, Interaction, LikeChange, Song, SongChanges


@dataclass(frozen=True, slots=True)
class SongFilter:
    """Which songs a list holds; the default is all of them."""

    listed_only: bool = False
    artist_id: str | None = None


class SongRepository(Protocol):
    """The songs. Lists are ordered by (`created_at`, `id`), descending. Removed songs are in no answer.

    Every addition, change and removal is written together with the note that the recommendation engine has
    to hear of it, in one document, so that neither is ever stored without the other.
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
        """How many songs `wanted` describes."""
        ...

    @overload
    async def change(self, song_id: str, changes: SongChanges) -> Song: ...

    @overload
    async def change(self, song_id: str, changes: SongChanges, *, if_revision: int | None) -> Song | None: ...

    async def change(
        self, song_id: str, changes: SongChanges, *, if_revision: int | None = None
    ) -> Song | None:
        """Store `changes` at once, with a new `updated_at` and the next `revision`, and answer the song.

        With `if_revision`, only while the song is at that revision: otherwise nothing changes and the answer
        is None.

        Raises:
            SongNotFoundError: there is no such song.
        """
        ...

    async def remove(self, song_id: str) -> None:
        """Remove it from every answer; a note stays until the engine has heard of it (`catalogue_sent`).

        Raises:
            SongNotFoundError: there is no such song.
        """
        ...

    async def claim_unsent(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[CatalogueEntry]:
        """Songs that the engine has not heard of in their present state, oldest change first.

        Nobody else gets them before `lease_until`, or `catalogue_sent` when that is earlier, not even when
        they change meanwhile: two states of a song that are on their way at once could arrive in the wrong
        order.
        """
        ...

    async def catalogue_sent(self, entries: Sequence[CatalogueEntry]) -> None:
        """The engine has heard of these. A removed one is forgotten.

        One that has another state by now is to be sent, even if that was: these may have arrived after it.
        """
        ...

    async def count_unsent(self, song_ids: Collection[str] | None = None) -> int:
        """How many songs, or how many of these, the engine has yet to hear of."""
        ...


class InteractionRepository(Protocol):
    """What listeners did: the listening history, and the queue of what the engine has yet to hear."""

    async def add(self, interaction: Interaction) -> bool:
        """Store it; False when one with its `dedup_key` is there already, and nothing was stored."""
        ...

    async def happened_at(self, dedup_key: str) -> datetime | None:
        """When the one with this key did; None when there is none."""
        ...

    async def claim_unsent(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[Interaction]:
        """The oldest that the engine has not heard of; no other worker gets them before `lease_until`."""
        ...

    async def mark_sent(self, interactions: Sequence[Interaction]) -> None:
        """The engine has heard of these, or will never take them."""
        ...

    async def count_unsent(self) -> int:
        """How many the engine has yet to hear of."""
        ...

    async def most_played(self, since: datetime, limit: int) -> Sequence[str]:
        """Ids of the songs most played or completed since then; removed ones may be among them."""
        ...

    async def latest_listener(self) -> str | None:
        """The user id of the last interaction that the engine has heard of; None when there is none."""
        ...


class RecommendationEngine(Protocol):
    """Says what fits whom. All calls raise UnavailableError when it is down.

    Answers are song ids, best first, of songs that it believes to be listed; the caller checks them again.
    """

    async def prepare(self) -> None:
        """Make sure that it knows the properties of songs that `send_catalogue` sends."""
        ...

    async def send_catalogue(self, entries: Sequence[CatalogueEntry]) -> None:
        """Bring its catalogue in step with these songs; the order among them does not matter.

        Raises:
            EngineLateError: it did not answer in time; it may have taken all, some or none of them.
        """
        ...

    async def send_interactions(self, interactions: Sequence[Interaction]) -> None:
        """Tell it what listeners did; twice is harmless. Songs that it does not know are passed over.

        Raises:
            EngineLateError: it did not answer in time; it may have taken all, some or none of them.
        """
        ...

    async def send_likes(self, changes: Sequence[LikeChange]) -> None:
        """Tell it what listeners like, or like no more; twice is harmless. At most one change of each like.

        Raises:
            EngineLateError: it did not answer in time; it may have taken all, some or none of them.
        """
        ...

    async def for_user(self, user_id: str, count: int) -> Sequence[str]:
        """For this listener; empty when it does not know them."""
        ...

    async def similar(self, song_id: str, count: int) -> Sequence[str]:
        """Like this song, for nobody in particular; empty when it does not know the song."""
        ...

    async def trending(self, on_behalf_of: str, count: int) -> Sequence[str]:
        """Popular now. The engine answers listeners only, so one that it knows must be named."""
        ...

    async def delete_user(self, user_id: str) -> None:
        """Delete the listener with all interactions; harmless when it does not know them."""
        ...

    async def ping(self) -> bool:
        """Whether it answers and accepts our credentials."""
        ...


class Albums(Protocol):
    """The album service, asked as the caller. All calls raise UnavailableError when it is down."""

    async def check_made_by(
        self, album_id: str, token: str, creator_ids: Collection[str]
    ) -> Collection[str] | None:
        """Go on only when one of these made the album. The songs in it; None when nobody can say now.

        Raises:
            InvalidError: there is no such album for the caller, or somebody else made it.
        """
        ...

    async def append(self, album_id: str, song_id: str, token: str) -> None:
        """Put the song at the album's end; harmless when it is there already."""
        ...

    async def take_out(self, album_id: str, song_id: str, token: str) -> None:
        """Take the song out of the album; harmless when either is gone."""
        ...
