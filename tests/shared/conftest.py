"""A cache on a store in memory."""

from collections.abc import AsyncIterator

import pytest

from shared.cache.read_through import ReadThrough
from tests.shared.cached_source import a_cache
from tests.shared.memory_cache import MemoryCache


@pytest.fixture
def redis() -> MemoryCache:
    return MemoryCache()


@pytest.fixture
async def cache(redis: MemoryCache) -> AsyncIterator[ReadThrough]:
    through = a_cache(redis)
    yield through
    await through.close()
