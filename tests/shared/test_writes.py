"""Invalidation after writes, whatever their outcome."""

import asyncio

import pytest

from shared.cache.writes import Writes, writing
from shared.errors import AppError, ConflictError, UnavailableError


class Cache:
    """Counts its invalidations."""

    def __init__(self) -> None:
        self.invalidations = 0
        self.twice = asyncio.Event()

    async def invalidate(self) -> None:
        self.invalidations += 1
        if self.invalidations == 2:
            self.twice.set()


@pytest.fixture
def cache() -> Cache:
    return Cache()


async def test_successful_write_invalidates_once(cache: Cache) -> None:
    async with writing() as writes, writes.then(cache.invalidate):
        assert cache.invalidations == 0
    assert cache.invalidations == 1


async def test_refused_write_invalidates_once(cache: Cache) -> None:
    async with writing() as writes:
        with pytest.raises(ConflictError):
            async with writes.then(cache.invalidate):
                raise ConflictError("no")
        assert cache.invalidations == 1
    assert cache.invalidations == 1


@pytest.mark.parametrize("failure", [UnavailableError("late"), ValueError("what nobody mapped")], ids=repr)
async def test_uncertain_write_invalidates_twice(cache: Cache, failure: Exception) -> None:
    writes = Writes(late_write_seconds=0.02)
    with pytest.raises(type(failure)):
        async with writes.then(cache.invalidate):
            raise failure
    assert cache.invalidations == 1
    async with asyncio.timeout(30):
        await cache.twice.wait()
    await writes.close()
    assert cache.invalidations == 2


async def test_cancelled_write_invalidates(cache: Cache) -> None:
    async with writing() as writes:

        async def write() -> None:
            async with writes.then(cache.invalidate):
                await asyncio.Event().wait()

        cut_off = asyncio.create_task(write())
        await asyncio.sleep(0)
        cut_off.cancel()
        await asyncio.wait([cut_off])
        assert cut_off.cancelled()
        assert cache.invalidations == 1
    assert cache.invalidations == 2


async def test_close_runs_delayed_invalidations_at_once(cache: Cache) -> None:
    async with asyncio.timeout(30):
        with pytest.raises(AppError):
            async with writing() as writes, writes.then(cache.invalidate):
                raise UnavailableError("late")
    assert cache.invalidations == 2
