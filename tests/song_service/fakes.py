"""What the song service talks to, in memory and with state."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import overload

from shared.errors import UnavailableError
from shared.http.pagination import Slice
from song_service.domain import (
    CatalogueEntry,
    Earlier,
    EngineTimeoutError,
    Interaction,
    LikeChange,
    Song,
    SongChanges,
    SongNotFoundError,
)
from song_service.ports import SongFilter

NOT_LEASED = datetime(1970, 1, 1, tzinfo=UTC)


class Engine:
    """A `RecommendationEngine` that writes down what it is sent, and can be down, slow of wit or broken.

    `refusals`: failures to raise, one a call, before it takes anything. It is late with batches of more than
    `takes_at_most`. `with_unknown_songs`: interactions with songs that it did not know.
    """

    def __init__(self) -> None:
        self.songs: dict[str, Song] = {}
        self.interactions: list[Interaction] = []
        self.with_unknown_songs: list[Interaction] = []
        self.like_changes: list[LikeChange] = []
        self.bookmarks: set[tuple[str, str]] = set()
        self.batches: list[int] = []
        self.refusals: list[Exception] = []
        self.is_down = False
        self.takes_at_most = 10**6
        self.prepared = 0
        self.requested = 0
        self.response: list[str] = []

    async def prepare(self) -> None:
        self._respond_or_fail()
        self.prepared += 1

    async def send_catalogue(self, entries: Sequence[CatalogueEntry]) -> None:
        self._respond_or_fail(len(entries))
        for entry in entries:
            if entry.song is None:
                self.songs.pop(entry.song_id, None)
            else:
                self.songs[entry.song_id] = entry.song

    async def send_interactions(self, interactions: Sequence[Interaction]) -> None:
        self._respond_or_fail(len(interactions))
        self.batches.append(len(interactions))
        self.interactions += interactions
        self.with_unknown_songs += [each for each in interactions if each.song_id not in self.songs]

    async def send_likes(self, changes: Sequence[LikeChange]) -> None:
        self._respond_or_fail(len(changes))
        for each in changes:
            self.like_changes.append(each)
            if each.song_id not in self.songs:
                continue
            if each.is_liked:
                self.bookmarks.add((each.user_id, each.song_id))
            else:
                self.bookmarks.discard((each.user_id, each.song_id))

    async def for_user(self, user_id: str, count: int) -> Sequence[str]:
        return self._recommended()

    async def similar(self, song_id: str, count: int) -> Sequence[str]:
        return self._recommended()

    async def trending(self, on_behalf_of: str, count: int) -> Sequence[str]:
        return self._recommended()

    async def delete_user(self, user_id: str) -> None:
        self._respond_or_fail()

    async def ping(self) -> bool:
        self._respond_or_fail()
        return True

    def _recommended(self) -> Sequence[str]:
        self._respond_or_fail()
        return list(self.response)

    def _respond_or_fail(self, batch: int = 0) -> None:
        self.requested += 1
        if batch > self.takes_at_most:
            raise EngineTimeoutError
        if self.refusals:
            raise self.refusals.pop(0)
        if self.is_down:
            raise UnavailableError("Recommendations are not available now")


class Songs:
    """A `SongRepository`; `queue` stores a song as pending sync.

    With `changes_meanwhile` every song has changed by the time that somebody changes it. `reads` counts
    `get_many`.
    """

    def __init__(self, *songs: Song) -> None:
        self.kept = {song.id: song for song in songs}
        self.unsent: dict[str, CatalogueEntry] = {}
        self.leased_until: dict[str, datetime] = {}
        self.changes_meanwhile = False
        self.reads = 0

    def queue(self, song: Song) -> None:
        self.kept[song.id] = song
        self.unsent[song.id] = CatalogueEntry(song.id, song.revision, song)

    async def add(self, song: Song) -> None:
        self.queue(song)

    async def get(self, song_id: str) -> Song:
        if song_id not in self.kept:
            raise SongNotFoundError
        return self.kept[song_id]

    async def get_many(self, song_ids: Sequence[str]) -> Sequence[Song]:
        self.reads += 1
        return [self.kept[each] for each in sorted(set(song_ids)) if each in self.kept]

    async def list(self, wanted: SongFilter, part: Slice) -> Sequence[Song]:
        shown = [song for song in self.kept.values() if song.is_listed or not wanted.listed_only]
        return sorted(shown, key=lambda song: (song.created_at, song.id), reverse=True)[: part.limit]

    async def count(self, wanted: SongFilter) -> int:
        return len(await self.list(wanted, Slice(10**6)))

    @overload
    async def change(self, song_id: str, changes: SongChanges) -> Song: ...

    @overload
    async def change(self, song_id: str, changes: SongChanges, *, if_revision: int | None) -> Song | None: ...

    async def change(
        self, song_id: str, changes: SongChanges, *, if_revision: int | None = None
    ) -> Song | None:
        if if_revision is not None and (self.changes_meanwhile or self.kept[song_id].revision != if_revision):
            return None
        changed = replace(self.kept[song_id], **changes, revision=self.kept[song_id].revision + 1)
        self.queue(changed)
        return changed

    async def remove(self, song_id: str) -> None:
        if self.kept.pop(song_id, None) is None:
            raise SongNotFoundError

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[CatalogueEntry]:
        free = [each for each in self.unsent if self.leased_until.get(each, NOT_LEASED) <= moment][:limit]
        self.leased_until |= dict.fromkeys(free, lease_until)
        return [self.unsent[each] for each in free]

    async def mark_catalogue_synced(self, entries: Sequence[CatalogueEntry]) -> None:
        for entry in entries:
            self.leased_until.pop(entry.song_id, None)
            if self.unsent.get(entry.song_id) == entry:
                del self.unsent[entry.song_id]

    async def count_unsynced(self, song_ids: Collection[str] | None = None) -> int:
        return len(self.unsent if song_ids is None else self.unsent.keys() & song_ids)


class Interactions:
    """An `InteractionRepository`."""

    def __init__(self) -> None:
        self.kept: dict[str, Interaction] = {}
        self.sent: set[str] = set()
        self.leased_until: dict[str, datetime] = {}
        self.is_down = False

    async def add(self, interaction: Interaction, unless: Earlier | None = None) -> bool:
        earlier = None if unless is None else self.kept.get(unless.dedup_key)
        if interaction.dedup_key in self.kept or (earlier and unless and earlier.at > unless.since):
            return False
        self.kept[interaction.dedup_key] = interaction
        return True

    async def move(self, dedup_keys: Collection[str], until: datetime, at: datetime) -> None:
        found = [self.kept[each] for each in dedup_keys if each in self.kept]
        self.kept |= {each.dedup_key: replace(each, at=at) for each in found if each.at <= until}

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[Interaction]:
        waiting = [each for each in self.kept.values() if each.id not in self.sent]
        free = [each for each in waiting if self.leased_until.get(each.id, NOT_LEASED) <= moment]
        oldest = sorted(free, key=lambda each: (each.at, each.id))[:limit]
        self.leased_until |= {each.id: lease_until for each in oldest}
        return oldest

    async def mark_synced(self, interactions: Sequence[Interaction]) -> None:
        if self.is_down:
            raise UnavailableError("The database cannot be used now")
        self.sent |= {each.id for each in interactions}

    async def count_unsynced(self) -> int:
        return len({each.id for each in self.kept.values()} - self.sent)

    async def most_played(self, since: datetime, limit: int) -> Sequence[str]:
        counts: dict[str, int] = {}
        for each in self.kept.values():
            if each.at >= since:
                counts[each.song_id] = counts.get(each.song_id, 0) + 1
        return sorted(counts, key=lambda song_id: -counts[song_id])[:limit]

    async def latest_listener(self) -> str | None:
        sent = [each for each in self.kept.values() if each.id in self.sent]
        return max(sent, key=lambda each: each.at).user_id if sent else None
