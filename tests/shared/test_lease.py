"""The continuity lease: when a process trusts Redis, and how long writers wait during an outage."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.cache.entry import EVERYTHING
from shared.cache.lease import LEASE_SECONDS, MARGIN_SECONDS, Lease
from shared.cache.read_through import ReadThrough, open_read_through
from shared.cache.redis import open_redis_store
from tests.shared.cached_source import SONG, Source, read, until_used
from tests.shared.memory_cache import MemoryCache
from tests.shared.redis_servers import redis_server
from tests.system.running import free_ports


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """A lease with a clock of its own, which beats whenever the event loop turns."""

    redis: MemoryCache = field(default_factory=MemoryCache)
    clock: Clock = field(default_factory=Clock)
    lease: Lease = field(init=False)

    def __post_init__(self) -> None:
        self.lease = Lease(self.redis, heartbeat_seconds=0.001, retry_seconds=0.001, clock=self.clock)

    async def until_usable(self, expected: bool = True) -> None:
        async with asyncio.timeout(5):
            while self.lease.is_usable() is not expected:  # noqa: ASYNC110 - it is asked, as by a read
                await asyncio.sleep(0.001)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.lease.start()
    await made.until_usable()
    yield made
    await made.lease.close()


async def test_lease_begins_by_invalidating_everything(world: World) -> None:
    assert world.redis.renewals == [(EVERYTHING,)]


async def test_lease_ends_after_a_gap(world: World) -> None:
    """This process was paused, and saw nothing of what happened to Redis meanwhile."""
    world.clock.now += LEASE_SECONDS * 0.9
    assert world.lease.is_usable()
    world.clock.now += LEASE_SECONDS * 0.2
    assert not world.lease.is_usable()
    await world.until_usable()
    assert world.redis.renewals == [(EVERYTHING,)] * 2


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
    await asyncio.wait_for(waiting, 5)


async def test_writer_stops_waiting_once_redis_is_invalidated(world: World) -> None:
    world.redis.is_down = True
    await world.until_usable(expected=False)
    world.lease.lose()
    waiting = asyncio.create_task(world.lease.until_nobody_trusts())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    world.redis.is_down = False
    await asyncio.wait_for(waiting, 5)
    assert world.redis.renewals == [(EVERYTHING,)] * 2


async def test_pause_during_an_outage_starts_the_wait_again(world: World) -> None:
    """Redis may have answered others meanwhile."""
    world.redis.is_down = True
    await world.until_usable(expected=False)
    world.clock.now += 60
    await asyncio.sleep(0.02)
    world.lease.lose()
    waiting = asyncio.create_task(world.lease.until_nobody_trusts())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    waiting.cancel()


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
    await asyncio.wait_for(world.lease.until_nobody_trusts(), 5)
    await world.lease.close()


class DyingProcess:
    """A process with a cache on a Redis; once it is dead it does nothing, and its connections are closed."""

    def __init__(self, port: int) -> None:
        self._url = f"redis://127.0.0.1:{port}/0"
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> ReadThrough:
        self.store = await self._stack.enter_async_context(open_redis_store(self._url, timeout_seconds=0.1))
        return await self._stack.enter_async_context(open_read_through(self.store))

    async def use_up_connections(self) -> None:
        """Of a Redis that hangs: what is sent on an open one is carried out once it goes on."""
        await asyncio.gather(*(self.store.get([SONG.key]) for _ in range(20)), return_exceptions=True)

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Port and pid of a real Redis."""
    (port,) = free_ports(1)
    with redis_server(tmp_path, port) as process:
        yield port, process.pid
        os.kill(process.pid, signal.SIGCONT)


async def test_change_of_dead_writer_shows_after_a_pause(redis: tuple[int, int]) -> None:
    port, pid = redis
    source = Source(b"shown")
    async with DyingProcess(port) as reader:
        dying = DyingProcess(port)
        async with dying as writer:
            await until_used(writer, source)
            await until_used(reader, source)
            os.kill(pid, signal.SIGSTOP)
            await dying.use_up_connections()
            source.value = b"hidden"
            began = time.monotonic()
            await writer.invalidate("song:1")
            assert LEASE_SECONDS < time.monotonic() - began < LEASE_SECONDS + 4
        os.kill(pid, signal.SIGCONT)
        ends = time.monotonic() + 3
        while time.monotonic() < ends:
            assert await read(reader, source.load) == b"hidden"
            await asyncio.sleep(0.001)
        await until_used(reader, source)


async def test_later_writes_in_an_outage_do_not_wait(redis: tuple[int, int]) -> None:
    port, pid = redis
    async with DyingProcess(port) as writer:
        await until_used(writer, Source())
        os.kill(pid, signal.SIGSTOP)
        await writer.invalidate("song:1")
        began = time.monotonic()
        await writer.invalidate("song:1")
        assert time.monotonic() - began < 0.5
        os.kill(pid, signal.SIGCONT)
