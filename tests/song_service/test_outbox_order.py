"""The outbox sends a song before its interactions."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared import metrics
from shared.errors import UnavailableError
from song_service.domain import CatalogueEntry, Interaction, Song
from song_service.outbox import BATCH, LEASE, MEASURED_EVERY
from tests.repositories.builders import NOON, a_song, an_interaction
from tests.song_service.fakes import Engine, Interactions, Songs
from tests.song_service.outbox_world import DOWN, Clock, World


async def test_songs_are_sent_before_their_interactions() -> None:
    world = World()
    await world.play()
    world.songs.queue(a_song())
    world.engine.refusals = [*[DOWN] * 2]
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await world.outbox.send_all()
        assert world.engine.interactions == []
    await world.outbox.send_all()
    assert (len(world.engine.songs), len(world.engine.interactions)) == (1, 1)


class ListenedTo(Engine):
    """During every batch of interactions, listeners add more: `each_time` does that."""

    def __init__(self, each_time: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.each_time = each_time

    async def send_interactions(self, interactions: Sequence[Interaction]) -> None:
        await super().send_interactions(interactions)
        await self.each_time()


async def test_steady_interactions_do_not_delay_songs() -> None:
    world, known, new = World(), a_song(), a_song()
    hidden = replace(known, is_visible=False, revision=2)
    synced_at_last: list[bool] = []

    async def go_on() -> None:
        sent = len(world.engine.batches)
        if sent == 2:
            world.songs.queue(new)
            world.songs.queue(hidden)
        if sent == 4:
            synced_at_last.append(world.engine.songs == {known.id: hidden, new.id: new})
        if sent < 10:
            song = new if sent >= 2 else known
            await world.interactions.add(an_interaction(song_id=song.id))

    world.engine = ListenedTo(go_on)
    world.songs.queue(known)
    await world.interactions.add(an_interaction(song_id=known.id))
    await world.another_replica().send_all()
    assert synced_at_last == [True]
    assert (len(world.engine.interactions), world.engine.with_unknown_songs) == (10, [])


async def test_queue_length_is_measured_under_steady_load(clock: Clock) -> None:
    world = World()
    measured: list[float | None] = []

    async def go_on() -> None:
        measured.append(metrics.REGISTRY.get_sample_value("queue_length", {"queue": "interactions"}))
        clock.moment += MEASURED_EVERY
        if len(measured) < 3:
            await world.play(len(measured) * 10)

    world.engine = ListenedTo(go_on)
    await world.play()
    await world.another_replica().send_all()
    assert measured[1:] == [10, 20]


class PlayedAtOnce(Interactions):
    """Just before somebody claims, `song` is added to `songs` and played."""

    def __init__(self, songs: Songs, song: Song) -> None:
        super().__init__()
        self.songs, self.song = songs, song

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[Interaction]:
        if self.song.id not in self.songs.kept:
            self.songs.queue(self.song)
            await self.add(an_interaction(song_id=self.song.id))
        return await super().claim_unsynced(moment, lease_until, limit)


async def test_song_played_between_polls_is_sent_first() -> None:
    world, song = World(), a_song()
    world.interactions = PlayedAtOnce(world.songs, song)
    await world.another_replica().send_all()
    assert (list(world.engine.songs), world.engine.with_unknown_songs) == ([song.id], [])
    assert [each.song_id for each in world.engine.interactions] == [song.id]


async def test_interactions_follow_songs_of_another_replica(clock: Clock) -> None:
    world, song = World(), a_song()
    world.songs.queue(song)
    elsewhere = await world.songs.claim_unsynced(clock.moment, clock.moment + LEASE, BATCH)
    await world.interactions.add(an_interaction(song_id=song.id))
    await world.outbox.send_all()
    assert world.engine.interactions == []
    await world.engine.send_catalogue(elsewhere)
    await world.songs.mark_catalogue_synced(elsewhere)
    clock.moment += timedelta(seconds=2)
    await world.outbox.send_all()
    assert (len(world.engine.interactions), world.engine.with_unknown_songs) == (1, [])


async def test_expired_interaction_claims_are_not_sent(clock: Clock) -> None:
    world = World()

    class Slow(Engine):
        async def send_catalogue(self, entries: Sequence[CatalogueEntry]) -> None:
            await super().send_catalogue(entries)
            clock.moment += LEASE - timedelta(seconds=1)

    world.engine = Slow()
    world.songs.queue(a_song())
    await world.play()
    outbox = world.another_replica()
    await outbox.send_all()
    assert world.engine.interactions == []
    clock.moment += timedelta(seconds=1)
    await outbox.send_all()
    assert len(world.engine.interactions) == 1


async def test_interactions_wait_while_another_replica_is_sending_songs() -> None:
    world, song = World(), a_song()
    world.songs.queue(song)
    await world.songs.claim_unsynced(datetime.now(NOON.tzinfo), datetime.now(NOON.tzinfo) + LEASE, BATCH)
    await world.interactions.add(an_interaction(song_id=song.id))
    await world.outbox.send_all()
    assert world.engine.interactions == []


async def test_interactions_do_not_wait_for_unrelated_songs() -> None:
    world = World()
    world.songs.queue(a_song())
    await world.songs.claim_unsynced(datetime.now(NOON.tzinfo), datetime.now(NOON.tzinfo) + LEASE, BATCH)
    await world.play()
    await world.outbox.send_all()
    assert len(world.engine.interactions) == 1
