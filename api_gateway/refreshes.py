"""Collapsed forwarding: of concurrent requests for one outdated response, one goes to the service.

The others wait for it, and then look again. Otherwise each change of a popular song would send all requests
that are under way to its service.
"""

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Refreshes(Generic[Key]):
    """The entries that a request is reading anew, by their key."""

    def __init__(self) -> None:
        self._running: dict[Key, asyncio.Future[None]] = {}

    def begin(self, key: Key) -> bool:
        """Whether the caller is the one to read it; it calls `end` then, whatever happens."""
        if key in self._running:
            return False
        self._running[key] = asyncio.get_running_loop().create_future()
        return True

    def end(self, key: Key) -> None:
        """Wake those who wait for it. May be called again."""
        if running := self._running.pop(key, None):
            running.set_result(None)

    async def wait(self, key: Key, seconds: float) -> bool:
        """Wait until it was read, for so long at most. Returns whether it ended in time, False at once when
        nobody reads it.
        """
        running = self._running.get(key)
        if running is None:
            return False
        await asyncio.wait([running], timeout=seconds)
        return running.done()
