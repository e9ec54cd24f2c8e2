"""A source behind a cache, for tests, and how it is read."""

import asyncio

from shared.cache.entry import Entry, Loaded
from shared.cache.lease import Lease
from shared.cache.read_through import Load, ReadThrough
from tests.shared.memory_cache import MemoryCache

SONG = Entry("song", "song:1", 600, ("song:1", "songs"))


class Source:
    """What stands behind the cache: returns `value`, when it may, and counts how often it was asked."""

    def __init__(self, value: bytes | Loaded | None = b"old") -> None:
        self.value = value
        self.requested = 0
        self.begun = asyncio.Event()
        self.may_respond = asyncio.Event()
        self.may_respond.set()

    async def load(self) -> bytes | Loaded | None:
        self.requested += 1
        seen = self.value
        self.begun.set()
        await self.may_respond.wait()
        return seen


async def read(cache: ReadThrough, load: Load) -> bytes | None:
    """The song's bytes."""
    content = await cache.read(SONG, load)
    return None if content is None else content.body


def a_cache(redis: MemoryCache, memory_bytes: int = 1_000_000) -> ReadThrough:
    """Trusts whatever it holds until something fails; then it tries to regain its lease at once."""
    return ReadThrough(redis, memory_bytes, Lease(redis, retry_seconds=0.001, lease_seconds=0.2))


async def until_used(cache: ReadThrough, source: Source) -> None:
    """Until a read comes from the cache again."""
    async with asyncio.timeout(30):
        while True:
            requested = source.requested
            await read(cache, source.load)
            if source.requested == requested:
                return
            await asyncio.sleep(0.001)
