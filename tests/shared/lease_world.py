"""A lease in which time passes when a test says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.cache.lease import Lease
from tests.shared.memory_cache import MemoryCache
from tests.system.waiting import until


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
        async def is_as_expected() -> bool:
            return self.lease.is_usable() is expected

        await until(is_as_expected)


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    """It holds its lease."""
    made = World()
    made.lease.start()
    await made.until_usable()
    yield made
    await made.lease.close()
