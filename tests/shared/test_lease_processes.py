"""Processes with a lease on a real Redis: one starts, freezes or dies while others go on."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from shared.cache.lease import LEASE_SECONDS
from shared.cache.read_through import ReadThrough, open_read_through
from shared.cache.redis import open_redis_store
from tests.shared.cached_source import SONG, Source, read, until_used
from tests.shared.redis_servers import redis_server
from tests.system.running import free_ports
from tests.system.waiting import until


class DyingProcess:
    """A process with a cache on a Redis; once it is dead it does nothing, and its connections are closed."""

    def __init__(self, port: int, timeout_seconds: float = 0.1) -> None:
        self._timeout_seconds = timeout_seconds
        self._url = f"redis://127.0.0.1:{port}/0"
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> ReadThrough:
        self.store = await self._stack.enter_async_context(open_redis_store(self._url, self._timeout_seconds))
        return await self._stack.enter_async_context(open_read_through(self.store))

    async def use_up_connections(self) -> None:
        """Of a Redis that hangs: what is sent on an open one is carried out once it goes on."""
        await asyncio.gather(*(self.store.get([SONG.key]) for _ in range(20)), return_exceptions=True)

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


async def check_stays_hidden(process: ReadThrough, source: Source, seconds: float) -> None:
    """In every read for so long; then the cache is used again."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        assert await read(process, source.load) == b"hidden"
        await asyncio.sleep(0.001)
    await until_used(process, source)


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
            assert LEASE_SECONDS < time.monotonic() - began < LEASE_SECONDS + 20
        os.kill(pid, signal.SIGCONT)
        await check_stays_hidden(reader, source, seconds=3)


async def test_further_process_returns_what_is_stored(redis: tuple[int, int]) -> None:
    port, _ = redis
    source, unused = Source(b"stored"), Source(b"loaded again")
    async with DyingProcess(port, timeout_seconds=30) as first:
        await until_used(first, source)
        async with DyingProcess(port, timeout_seconds=30) as second:

            async def is_stored() -> bool:
                return await read(second, unused.load) == b"stored"

            await until(is_stored)
        requested = source.requested
        await read(first, source.load)
        assert source.requested == requested


async def test_process_started_after_an_outage_is_not_stale(redis: tuple[int, int]) -> None:
    port, pid = redis
    source = Source(b"shown")
    dying = DyingProcess(port)
    async with dying as writer:
        await until_used(writer, source)
        os.kill(pid, signal.SIGSTOP)
        await dying.use_up_connections()
        source.value = b"hidden"
        await writer.invalidate("song:1")
    os.kill(pid, signal.SIGCONT)
    async with DyingProcess(port) as started:
        await check_stays_hidden(started, source, seconds=0.5)


async def test_later_writes_in_an_outage_do_not_wait(redis: tuple[int, int]) -> None:
    port, pid = redis
    async with DyingProcess(port) as writer:
        await until_used(writer, Source())
        os.kill(pid, signal.SIGSTOP)
        await writer.invalidate("song:1")
        began = time.monotonic()
        await writer.invalidate("song:1")
        assert time.monotonic() - began < LEASE_SECONDS / 2
        os.kill(pid, signal.SIGCONT)
