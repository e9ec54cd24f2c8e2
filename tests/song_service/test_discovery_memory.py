"""Orders of recommendations in the memory of the process."""

import asyncio
import json
import time

import pytest

from shared.cache.entry import Content
from song_service.caching import for_listener
from song_service.discovery import MOST
from song_service.personal_orders import BUCKET_CAPACITY, REFILL_SECONDS
from tests.repositories.builders import a_song
from tests.song_service.discovery_world import ADA, World, titles


def world_of_full_orders() -> World:
    """One whose engine fills every order."""
    world = World(memory_bytes=1_000_000)
    songs = [a_song() for _ in range(MOST)]
    for song in songs:
        world.put(song)
    world.engine.response = [song.id for song in songs]
    return world


def ids(content: Content) -> list[str]:
    return [song["_id"] for song in json.loads(content.body)]


async def world_of_spent_tokens() -> World:
    """One whose engine may not be asked for Ada's order now, and whose last order is outdated."""
    world = world_of_full_orders()
    for _ in range(BUCKET_CAPACITY):
        await world.discovery.for_user(ADA)
        await world.stale.interactions_synced({ADA})
    return world


async def test_order_and_its_songs_are_compared_together() -> None:
    world = World(memory_bytes=1_000_000)
    world.engine.response = [world.all[n].id for n in (4, 2)]
    assert titles(await world.discovery.for_user(ADA, 2)) == ["4", "2"]
    reads, requested = world.redis.reads, world.engine.requested
    assert titles(await world.discovery.for_user(ADA, 2)) == ["4", "2"]
    assert (world.redis.reads - reads, world.engine.requested) == (1, requested)


async def test_outdated_order_in_memory_is_requested_again() -> None:
    world = World(memory_bytes=1_000_000)
    world.engine.response = [world.all[n].id for n in (4, 2)]
    await world.discovery.for_user(ADA, 2)
    world.engine.response = [world.all[n].id for n in (3, 1)]
    await world.stale.interactions_synced({ADA})
    content = await world.discovery.for_user(ADA, 2)
    assert titles(content) == ["3", "1"]
    assert content.versions is not None
    assert not {f"song:{world.all[n].id}" for n in (4, 2)} & content.versions.keys()


async def test_redis_outage_ignores_the_order_in_memory() -> None:
    world = World(memory_bytes=1_000_000)
    world.engine.response = [world.all[4].id]
    await world.discovery.for_user(ADA, 1)
    world.engine.response, world.redis.is_down = [world.all[3].id], True
    content = await world.discovery.for_user(ADA, 1)
    assert (titles(content), content.versions) == (["3"], None)


async def test_full_order_holds_until_the_engine_may_be_asked_again() -> None:
    world = world_of_full_orders()
    for _ in range(BUCKET_CAPACITY + 2):
        await world.discovery.for_user(ADA)
        await world.stale.interactions_synced({ADA})
    assert world.engine.requested == BUCKET_CAPACITY
    held = world.cache.peek(for_listener(ADA))
    assert held is not None
    assert 0 < held.expires_at - time.time() <= REFILL_SECONDS


async def test_held_order_is_not_stored_for_other_processes() -> None:
    world = world_of_full_orders()
    key = for_listener(ADA).key
    for _ in range(BUCKET_CAPACITY):
        await world.discovery.for_user(ADA)
        assert world.redis.entries.pop(key)
        await world.stale.interactions_synced({ADA})
    await world.discovery.for_user(ADA)
    assert key not in world.redis.entries


async def test_held_order_survives_what_the_listener_plays() -> None:
    world = await world_of_spent_tokens()
    before = await world.discovery.for_user(ADA)
    assert before.versions is not None
    assert not {*for_listener(ADA).tags} & before.versions.keys()
    await world.stale.interactions_synced({ADA})
    reads = world.redis.reads
    assert await world.discovery.for_user(ADA) == before
    assert world.redis.reads == reads + 1


async def test_held_order_follows_changes_of_its_songs() -> None:
    world = await world_of_spent_tokens()
    await world.discovery.for_user(ADA)
    hidden = world.songs.kept[world.engine.response[0]]
    world.put(hidden, visible=False)
    await world.stale.song_changed(hidden)
    assert hidden.id not in ids(await world.discovery.for_user(ADA))


async def test_songs_of_an_outdated_order_are_compared_once() -> None:
    """Two reads from Redis: one compares the order and its songs, one looks for a newer order."""
    world = await world_of_spent_tokens()
    reads, read_songs = world.redis.reads, world.songs.reads
    content = await world.discovery.for_user(ADA)
    assert (world.redis.reads - reads, world.songs.reads) == (2, read_songs)
    assert content.versions is not None
    assert {f"song:{song_id}" for song_id in world.engine.response} <= content.versions.keys()


@pytest.mark.parametrize("iterations", range(12))
async def test_concurrent_requests_take_the_last_token_once(iterations: int) -> None:
    """The second one begins that many iterations of the event loop later, after another sync."""
    world = world_of_full_orders()
    for _ in range(BUCKET_CAPACITY - 1):
        await world.discovery.for_user(ADA)
        await world.stale.interactions_synced({ADA})

    async def after_another_sync() -> None:
        for _ in range(iterations):
            await asyncio.sleep(0)
        await world.stale.interactions_synced({ADA})
        await world.discovery.for_user(ADA)

    await asyncio.gather(world.discovery.for_user(ADA), after_another_sync())
    assert world.engine.requested == BUCKET_CAPACITY
