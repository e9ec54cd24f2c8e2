"""The outbox delivers every change to the engine, whatever fails meanwhile."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.errors import UnavailableError
from song_service.domain import CatalogueEntry, EngineTimeoutError
from song_service.outbox import BATCH, LEASE, LONGEST_PAUSE_SECONDS, SENT_WITHIN, pause_after
from song_service.recombee import BATCH_SECONDS
from tests.repositories.builders import a_song, an_interaction
from tests.song_service.outbox_world import DOWN, Clock, World


async def test_interactions_are_sent_once_and_in_order() -> None:
    world = World()
    await world.play(BATCH * 2 + 1)
    await world.outbox.send_all()
    assert world.engine.batches == [BATCH, BATCH, 1]
    assert [each.at for each in world.engine.interactions] == sorted(
        each.at for each in world.interactions.kept.values()
    )
    await world.outbox.send_all()
    assert len(world.engine.interactions) == BATCH * 2 + 1


async def test_batch_that_is_not_full_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    await world.play(BATCH * 2 + 1)
    waits: list[float] = []

    async def play_meanwhile(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            await world.play(3)

    monkeypatch.setattr(asyncio, "sleep", play_meanwhile)
    await world.outbox.send_all(linger_seconds=0.25)
    assert world.engine.batches == [BATCH, BATCH, 1, 3]
    assert waits == [0.25, 0.25]


async def test_timeouts_halve_the_batch_size() -> None:
    world = World()
    await world.play(BATCH * 2)
    world.engine.takes_at_most = 60
    for _ in range(2):
        with pytest.raises(EngineTimeoutError):
            await world.outbox.send_all()
    assert world.engine.interactions == []
    with pytest.raises(EngineTimeoutError):
        await world.outbox.send_all()
    assert world.engine.batches == [BATCH // 4]
    for _ in range(20):
        with contextlib.suppress(EngineTimeoutError):
            await world.outbox.send_all()
    assert [each.at for each in world.engine.interactions] == sorted(
        each.at for each in world.interactions.kept.values()
    )
    world.engine.takes_at_most = BATCH
    await world.play(BATCH * 4)
    await world.outbox.send_all()
    assert world.engine.batches[-1] == BATCH


async def test_batches_of_one_still_send_everything() -> None:
    world = World()
    for _ in range(3):
        world.songs.queue(a_song())
    world.engine.takes_at_most = 1
    for _ in range(9):
        with contextlib.suppress(EngineTimeoutError):
            await world.outbox.send_all()
    assert len(world.engine.songs) == 3


async def test_refused_batch_is_retried_before_its_lease_ends(clock: Clock) -> None:
    world = World()
    world.songs.queue(a_song())
    await world.play(3)
    await world.outbox.send_all()
    world.songs.queue(a_song())
    await world.play(5)
    world.engine.refusals = [DOWN]
    with pytest.raises(UnavailableError):
        await world.outbox.send_all()
    clock.moment += timedelta(seconds=2)
    await world.outbox.send_all()
    assert (len(world.engine.songs), len(world.engine.interactions)) == (2, 8)


async def test_expiring_lease_prevents_another_retry(clock: Clock) -> None:
    """Another replica may be sending it by then, in another state."""
    world = World()
    await world.outbox.send_all()
    song = a_song()
    world.songs.queue(song)
    world.engine.refusals = [DOWN]
    with pytest.raises(UnavailableError):
        await world.outbox.send_all()
    world.songs.queue(replace(song, title="New", revision=2))
    clock.moment += LEASE - timedelta(seconds=1)
    await world.outbox.send_all()
    assert world.engine.songs == {}
    clock.moment += timedelta(seconds=1)
    await world.outbox.send_all()
    assert world.engine.songs[song.id].title == "New"


async def test_replica_stopped_after_its_claim_sends_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile another replica has deleted the song at the engine."""
    world = World()
    other = world.another_replica()
    song = a_song()
    world.songs.queue(song)
    claim = world.songs.claim_unsynced

    async def claim_and_stop(moment: datetime, until: datetime, limit: int) -> Sequence[CatalogueEntry]:
        claimed = await claim(moment, until, limit)
        if song.id in world.songs.kept:
            clock.moment += LEASE + timedelta(seconds=1)
            del world.songs.kept[song.id]
            world.songs.unsent[song.id] = CatalogueEntry(song.id, song.revision + 1, None)
            await other.send_all()
        return claimed

    monkeypatch.setattr(world.songs, "claim_unsynced", claim_and_stop)
    stopped = world.another_replica()
    await stopped.send_all()
    assert world.engine.songs == {}
    assert await world.songs.count_unsynced() == 0


async def test_song_changed_during_sync_is_sent_again(clock: Clock) -> None:
    world = World()
    await world.outbox.send_all()
    song = a_song()
    world.songs.queue(song)
    world.engine.refusals = [DOWN]
    with pytest.raises(UnavailableError):
        await world.outbox.send_all()
    world.songs.queue(replace(song, is_visible=False, revision=2))
    await world.outbox.send_all()
    assert world.engine.songs[song.id].is_visible is False
    assert await world.songs.count_unsynced() == 0


async def test_claims_of_a_dead_replica_are_sent_later(clock: Clock) -> None:
    world = World()
    await world.outbox.send_all()
    await world.play(3)
    world.engine.refusals = [DOWN]
    with pytest.raises(UnavailableError):
        await world.outbox.send_all()
    other = world.another_replica()
    await other.send_all()
    assert world.engine.interactions == []
    clock.moment += LEASE
    await other.send_all()
    assert len(world.engine.interactions) == 3


async def test_unrecorded_batch_is_sent_again(clock: Clock) -> None:
    """At least once: the engine ignores known ones."""
    world = World()
    await world.play()
    world.interactions.is_down = True
    with pytest.raises(UnavailableError):
        await world.outbox.send_all()
    world.interactions.is_down = False
    await world.outbox.send_all()
    assert len(world.engine.interactions) == 2
    assert await world.interactions.count_unsynced() == 0


async def test_engine_is_prepared_once_before_sending() -> None:
    world = World()
    world.engine.refusals = [DOWN]
    with pytest.raises(UnavailableError):
        await world.outbox.send_all()
    for _ in range(3):
        await world.play()
        await world.outbox.send_all()
    assert world.engine.prepared == 1


async def test_synced_songs_invalidate_recommendations() -> None:
    """What it said of a new song, before it knew that song, must not be kept."""
    world = World()
    world.songs.queue(a_song())
    await world.outbox.send_all()
    assert world.redis.renewals == [("recommendations",)]


async def test_synced_plays_invalidate_the_listeners_recommendations() -> None:
    world = World()
    await world.interactions.add(an_interaction(user_id="b" * 24))
    await world.outbox.send_all()
    assert world.redis.renewals == [(f"recommendations:user:{'b' * 24}", "interactions")]


@pytest.mark.parametrize("failure", [DOWN, ValueError("an internal error"), OSError("what nobody mapped")])
async def test_worker_survives_every_failure(failure: Exception) -> None:
    world = World()
    await world.play()
    world.engine.refusals = [failure] * 3
    async with asyncio.timeout(30), world.outbox.sending():
        while await world.interactions.count_unsynced():  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.002)
    assert len(world.engine.interactions) == 1


async def test_worker_survives_failures_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a sync that failed for that reason, too."""
    world = World()
    count, failures = world.likes.count_unsynced, [ValueError("an internal error")] * 2

    async def fail_to_count() -> int:
        if failures:
            raise failures.pop()
        return await count()

    monkeypatch.setattr(world.likes, "count_unsynced", fail_to_count)
    async with asyncio.timeout(30), world.outbox.sending():
        while failures:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.002)
        await world.play()
        while await world.interactions.count_unsynced():  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.002)


async def test_wake_up_sends_before_the_next_poll() -> None:
    world = World(poll_seconds=3600)
    async with asyncio.timeout(30), world.outbox.sending():
        await asyncio.sleep(0.01)
        await world.play()
        world.outbox.wake()
        while await world.interactions.count_unsynced():  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.002)


def test_batch_timeout_is_shorter_than_its_lease() -> None:
    assert timedelta(seconds=BATCH_SECONDS) < SENT_WITHIN


def test_retry_pause_grows_up_to_a_minute() -> None:
    longest = [max(pause_after(failures, 2) for _ in range(200)) for failures in range(1, 40)]
    assert longest[0] <= 4
    assert longest[1] > 4
    assert longest[3] > 16
    assert max(longest) <= LONGEST_PAUSE_SECONDS
    assert min(pause_after(39, 2) for _ in range(200)) >= LONGEST_PAUSE_SECONDS / 2
