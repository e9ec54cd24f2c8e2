"""What the log says while the cache is bypassed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from shared.cache.lease import LEASE_SECONDS
from shared.cache.store import CacheDownError
from tests.shared.lease_world import World, a_world
from tests.shared.memory_cache import MemoryCache


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@dataclass
class Failing(MemoryCache):
    """Fails each heartbeat with this error of the client, while there is one."""

    failure: Exception | None = None

    def __post_init__(self) -> None:
        super().__init__()

    async def beat(self) -> bool:
        if self.failure is not None:
            raise CacheDownError(str(self.failure)) from self.failure
        return await super().beat()


WRONG_PASSWORD = ConnectionRefusedError("WRONGPASS invalid username-password pair or user is disabled.")
WRONG_PASSWORD_KIND = "ConnectionRefusedError WRONGPASS"


async def test_failing_start_is_logged_once() -> None:
    world = World(Failing(WRONG_PASSWORD))
    with capture_logs() as logged:
        world.lease.start()
        await asyncio.sleep(0.05)
    await world.lease.close()
    assert [(each["event"], each["error"]) for each in logged] == [("cache bypassed", WRONG_PASSWORD_KIND)]


async def test_each_outage_is_logged_once_with_its_cause() -> None:
    redis = Failing()
    world = World(redis)
    with capture_logs() as logged:
        world.lease.start()
        await world.until_usable()
        for failure in (WRONG_PASSWORD, OSError("connect to redis.internal")):
            redis.failure = failure
            await world.until_usable(expected=False)
            world.clock.now += LEASE_SECONDS * 1.1
            await asyncio.sleep(0.05)
            redis.failure = None
            await world.until_usable()
    await world.lease.close()
    bypassed = [each["error"] for each in logged if each["event"] == "cache bypassed"]
    assert bypassed == [WRONG_PASSWORD_KIND, "OSError"]


async def test_pause_is_logged_as_missing_heartbeat(world: World) -> None:
    with capture_logs() as logged:
        world.clock.now += LEASE_SECONDS * 1.1
        assert not world.lease.is_usable()
        await world.until_usable()
    assert [each["error"] for each in logged if "error" in each] == ["no heartbeat in time"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("ERR AUTH <password> called without any password configured", "ConnectionError ERR AUTH"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "ConnectionError OOM"),
        ("Error 111 connecting to redis.internal:6379.", "ConnectionError"),
    ],
)
def test_kind_of_failure_leaves_out_the_message(message: str, kind: str) -> None:
    failure = CacheDownError(message)
    failure.__cause__ = ConnectionError(message)
    assert failure.kind == kind
