"""Concurrent requests for the same entry share one load (request coalescing)."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

from shared.cache.dependencies import Dependencies
from shared.cache.entry import Content

Flight: TypeAlias = "asyncio.Future[Content | None]"
Load: TypeAlias = Callable[[Dependencies], Coroutine[Any, Any, Content | None]]


class Loads:
    """At most one load per key and tag versions at a time. `is_current` returns False when in doubt."""

    def __init__(self, is_current: Callable[[Content], Awaitable[bool]]) -> None:
        self._is_current = is_current
        self._running: dict[tuple[object, ...], Flight] = {}

    async def share(self, key: str, dependencies: Dependencies, load: Load) -> Content | None:
        """One load per key and versions: a read after a write never joins a load that began before it.

        Tags that only the load finds are compared after it, by the requests that joined. If they changed,
        these requests share the next load, which begins after all of them.
        """
        versions = dict(dependencies.versions)
        flight: tuple[object, ...] = (key, *sorted(versions.items()))
        running = self._running.get(flight)
        if running is None:
            return await asyncio.shield(self._start(flight, load(dependencies)))
        content = await asyncio.shield(running)
        if content is None or content.versions == versions or await self._is_current(content):
            return content
        following = (running,)
        again = self._running.get(following)
        if again is None:
            again = self._start(following, load(dependencies.without_known_versions()))
        return await asyncio.shield(again)

    def _start(self, flight: tuple[object, ...], load: Coroutine[Any, Any, Content | None]) -> Flight:
        running = asyncio.ensure_future(load)
        self._running[flight] = running
        running.add_done_callback(lambda done: self._completed(flight, done))
        return running

    def _completed(self, flight: tuple[object, ...], done: Flight) -> None:
        self._running.pop(flight, None)
        if not done.cancelled():
            done.exception()  # retrieve the exception even when all waiting requests were cancelled
