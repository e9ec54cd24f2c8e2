"""A process that ends: what it invalidates before, and what its lease does no more."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from shared.cache.entry import EVERYTHING
from shared.cache.lease import LEASE_SECONDS, MARGIN_SECONDS
from shared.cache.store import CacheDownError, CacheRefusedError
from tests.shared.lease_world import World, a_world
from tests.shared.memory_cache import MemoryCache


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_closed_lease_ends_the_wait(world: World) -> None:
    world.redis.is_down = True
    await world.until_usable(expected=False)
    world.lease.lose()
    await world.lease.close()
    waiting = asyncio.create_task(world.lease.until_nobody_trusts())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    world.clock.now += LEASE_SECONDS + MARGIN_SECONDS
    await asyncio.wait_for(waiting, 30)


async def test_closed_lease_beats_no_more(world: World) -> None:
    """A request that outlives the grace of a shutdown fails to read."""
    await world.lease.close()
    beats = world.redis.beats
    world.lease.failed(CacheDownError())
    world.lease.lose()
    await asyncio.sleep(0.01)
    assert (world.redis.beats, world.redis.has_left) == (beats, True)


async def test_close_makes_up_for_a_failed_invalidation(world: World) -> None:
    world.lease.lose()
    await world.lease.close()
    assert world.redis.renewals == [(EVERYTHING,)] * 2
    assert world.redis.has_left


class NeverInvalidating(MemoryCache):
    """Refuses new versions, as a full Redis does."""

    async def renew(self, tags: Sequence[str]) -> None:
        raise CacheRefusedError


async def test_process_that_cannot_invalidate_does_not_leave() -> None:
    """So others take it for a crashed one, and invalidate."""
    redis = NeverInvalidating()
    redis.is_continuous = True
    world = World(redis)
    world.lease.start()
    await world.until_usable()
    world.lease.lose()
    await world.lease.close()
    assert not redis.has_left
