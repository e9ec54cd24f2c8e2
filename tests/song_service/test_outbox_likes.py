"""Likes reach the engine as bookmarks: in the right order, after their songs, never lost."""

import pytest

from shared.errors import UnavailableError
from song_service.domain import CatalogueEntry
from tests.repositories.builders import NOON, a_song, minutes
from tests.song_service.outbox_world import DOWN, Clock, World

ADA, BILL = "a" * 24, "b" * 24


async def test_like_becomes_a_bookmark_and_unlike_withdraws_it() -> None:
    world, song = World(), a_song()
    world.songs.queue(song)
    await world.likes.like(ADA, song.id, NOON)
    await world.likes.like(BILL, song.id, NOON)
    await world.outbox.send_all()
    assert world.engine.bookmarks == {(ADA, song.id), (BILL, song.id)}
    await world.likes.unlike(ADA, song.id, NOON + minutes(1))
    await world.outbox.send_all()
    assert world.engine.bookmarks == {(BILL, song.id)}
    assert await world.likes.count_unsynced() == 0


async def test_like_is_sent_after_its_song() -> None:
    world, song = World(), a_song()
    world.songs.queue(song)
    await world.likes.like(ADA, song.id, NOON)
    world.engine.refusals = [DOWN, DOWN]
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await world.outbox.send_all()
        assert world.engine.like_changes == []
    await world.outbox.send_all()
    assert world.engine.bookmarks == {(ADA, song.id)}


async def test_unlike_while_engine_is_down_arrives_last() -> None:
    world, song = World(), a_song()
    world.songs.queue(song)
    await world.outbox.send_all()
    await world.likes.like(ADA, song.id, NOON)
    world.engine.is_down = True
    with pytest.raises(UnavailableError):
        await world.outbox.send_all()
    await world.likes.unlike(ADA, song.id, NOON + minutes(1))
    world.engine.is_down = False
    await world.outbox.send_all()
    await world.outbox.send_all()
    assert [each.is_liked for each in world.engine.like_changes][-1] is False
    assert world.engine.bookmarks == set()
    assert await world.likes.count_unsynced() == 0


async def test_dead_worker_leaves_its_likes_to_another(clock: Clock) -> None:
    world, song = World(), a_song()
    world.songs.queue(song)
    await world.outbox.send_all()
    await world.likes.like(ADA, song.id, NOON)
    world.engine.is_down = True
    with pytest.raises(UnavailableError):
        await world.outbox.send_all()
    world.engine.is_down = False
    other = world.another_replica()
    await other.send_all()
    assert world.engine.bookmarks == set(), "the lease of the first still runs"
    clock.moment += minutes(1)
    await other.send_all()
    assert world.engine.bookmarks == {(ADA, song.id)}


async def test_removed_song_takes_its_likes_along() -> None:
    world, song = World(), a_song()
    world.songs.queue(song)
    await world.likes.like(ADA, song.id, NOON)
    await world.outbox.send_all()
    removed = CatalogueEntry(song.id, song.revision + 1, None)
    world.songs.kept.pop(song.id)
    world.songs.unsent[song.id] = removed
    await world.outbox.send_all()
    assert world.likes.states == {}


async def test_synced_likes_invalidate_the_listeners_recommendations() -> None:
    world, song = World(), a_song()
    world.songs.queue(song)
    await world.outbox.send_all()
    world.redis.renewals.clear()
    await world.likes.like(ADA, song.id, NOON)
    await world.outbox.send_all()
    assert world.redis.renewals == [(f"recommendations:user:{ADA}", "interactions")]
