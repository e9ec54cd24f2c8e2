"""Recommendations whose order is in the memory of the process."""

from tests.song_service.discovery_world import ADA, World, titles


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
