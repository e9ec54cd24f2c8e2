"""The continuity lease: when a process trusts Redis, and how long writers wait during an outage."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from shared.cache.entry import EVERYTHING
from shared.cache.lease import LEASE_SECONDS, MARGIN_SECONDS, Lease
from tests.shared.lease_world import Clock, World, a_world
from tests.shared.memory_cache import MemoryCache
from tests.system.waiting import until


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_first_process_invalidates_everything(world: World) -> None:
    assert world.redis.renewals == [(EVERYTHING,)]


async def test_further_process_invalidates_nothing(world: World) -> None:
    further = World(world.redis)
    further.lease.start()
    assert not further.lease.is_usable()
    await further.until_usable()
    await further.lease.close()
    assert world.redis.renewals == [(EVERYTHING,)]


async def test_failed_write_before_joining_invalidates_everything(world: World) -> None:
    further = World(world.redis)
    further.lease.start()
    further.lease.lose()
    await further.until_usable()
    await further.lease.close()
    assert world.redis.renewals == [(EVERYTHING,)] * 2


async def test_lease_ends_with_the_continuity(world: World) -> None:
    world.redis.is_continuous = False

    async def is_continuous() -> bool:
        return world.redis.is_continuous

    await until(is_continuous)
    assert world.redis.renewals == [(EVERYTHING,)] * 2


async def test_started_process_invalidates_after_a_crash() -> None:
    redis = MemoryCache()
    redis.is_continuous, redis.crashed = True, {"killed"}
    lease = Lease(redis, heartbeat_seconds=0.001, retry_seconds=0.001, crash_check_seconds=0.05)
    redis.is_down = True
    lease.start()
    await asyncio.sleep(0.1)
    redis.is_down = False

    async def is_removed() -> bool:
        return not redis.crashed

    await until(is_removed)
    await lease.close()
    assert redis.renewals == [(EVERYTHING,)]


async def test_lease_ends_after_a_gap(world: World) -> None:
    """This process was paused, and no other one saw what happened to Redis meanwhile."""
    world.clock.now += LEASE_SECONDS * 0.9
    assert world.lease.is_usable()
    world.clock.now += LEASE_SECONDS * 0.2
    world.redis.is_continuous = False
    assert not world.lease.is_usable()
    await world.until_usable()
    assert world.redis.renewals == [(EVERYTHING,)] * 2


async def test_paused_process_joins_the_others(world: World) -> None:
    asked_at = world.clock.now
    world.clock.now += LEASE_SECONDS * 1.1
    assert not world.lease.is_usable()
    await world.until_usable()
    assert not world.lease.covers(asked_at)
    assert world.redis.renewals == [(EVERYTHING,)]


async def test_paused_process_invalidates_after_data_loss(world: World) -> None:
    world.clock.now += LEASE_SECONDS * 1.1
    world.redis.has_lost_data = True
    assert not world.lease.is_usable()
    await world.until_usable()
    assert world.redis.renewals == [(EVERYTHING,)] * 2


async def test_renewal_is_repeated_if_redis_lost_data_after_it(world: World) -> None:
    world.redis.has_lost_data = True
    world.lease.lose()
    await world.until_usable()
    assert world.redis.renewals == [(EVERYTHING,)] * 3


async def test_short_outage_keeps_the_lease(world: World) -> None:
    world.redis.is_down = True
    await world.until_usable(expected=False)
    world.clock.now += LEASE_SECONDS * 0.9
    world.redis.is_down = False
    await world.until_usable()
    assert world.redis.renewals == [(EVERYTHING,)]


async def test_long_outage_ends_the_lease(world: World) -> None:
    world.redis.is_down = True
    await world.until_usable(expected=False)
    world.clock.now += LEASE_SECONDS * 1.1
    world.redis.is_continuous = False
    world.redis.is_down = False
    await world.until_usable()
    assert world.redis.renewals == [(EVERYTHING,)] * 2


async def test_lease_does_not_cover_earlier_responses(world: World) -> None:
    """Asked before `everything` was invalidated, returned after it."""
    asked_at = world.clock.now
    assert world.lease.covers(asked_at)
    world.clock.now += 0.1
    world.lease.lose()
    await world.until_usable()
    assert not world.lease.covers(asked_at)
    assert world.lease.covers(world.clock.now)


async def test_writer_waits_until_all_leases_ended(world: World) -> None:
    world.redis.is_down = True
    await world.until_usable(expected=False)
    world.lease.lose()
    waiting = asyncio.create_task(world.lease.until_nobody_trusts())
    for _ in range(11):
        await asyncio.sleep(0.005)
        assert not waiting.done()
        world.clock.now += (LEASE_SECONDS + MARGIN_SECONDS) / 10
    await asyncio.wait_for(waiting, 30)


async def test_writer_stops_waiting_once_redis_is_invalidated(world: World) -> None:
    world.redis.is_down = True
    await world.until_usable(expected=False)
    world.lease.lose()
    waiting = asyncio.create_task(world.lease.until_nobody_trusts())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    world.redis.is_down = False
    await asyncio.wait_for(waiting, 30)
    assert world.redis.renewals == [(EVERYTHING,)] * 2


async def test_pause_during_an_outage_starts_the_wait_again(world: World) -> None:
    """Redis may have served others meanwhile."""
    world.redis.is_down = True
    await world.until_usable(expected=False)
    world.clock.now += 60
    await asyncio.sleep(0.02)
    world.lease.lose()
    waiting = asyncio.create_task(world.lease.until_nobody_trusts())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    waiting.cancel()


class Stepwise(MemoryCache):
    """While it is down, an attempt to invalidate takes until the test ends it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Semaphore(0)
        self.ended = asyncio.Semaphore(0)

    async def renew(self, tags: Sequence[str]) -> None:
        if self.is_down:
            self.begun.release()
            await self.ended.acquire()
        await super().renew(tags)


async def test_wait_does_not_count_a_pause_of_the_writer() -> None:
    """Redis may have served others while this process was stopped, during an attempt or after it."""
    redis = Stepwise()
    world = World(redis)
    world.lease.start()
    await world.until_usable()
    redis.is_down = True
    await world.until_usable(expected=False)
    world.lease.lose()
    waiting = asyncio.create_task(world.lease.until_nobody_trusts())
    await redis.begun.acquire()
    world.clock.now += 60
    await asyncio.sleep(0.02)
    assert not waiting.done()
    redis.ended.release()
    await redis.begun.acquire()
    await asyncio.sleep(0.02)
    assert not waiting.done()
    redis.is_down = False
    redis.ended.release()
    await asyncio.wait_for(waiting, 30)
    assert redis.renewals == [(EVERYTHING,)] * 2
    await world.lease.close()


class SlowlyFailing(MemoryCache):
    """Each failure takes longer than half a lease."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    async def renew(self, tags: Sequence[str]) -> None:
        if self.is_down:
            self._clock.now += LEASE_SECONDS
        await super().renew(tags)


async def test_slow_failures_end_the_wait_too() -> None:
    clock = Clock()
    world = World(SlowlyFailing(clock), clock)
    world.lease.start()
    await world.until_usable()
    world.redis.is_down = True
    await world.until_usable(expected=False)
    world.lease.lose()
    await asyncio.wait_for(world.lease.until_nobody_trusts(), 30)
    await world.lease.close()
