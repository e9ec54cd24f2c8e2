"""Collapsed forwarding: of concurrent requests for one outdated response, one goes to the service.

The others wait for it, and then look again. Otherwise each change of a popular song would send all requests
that are under way to its service.
"""

import asyncio
from collections.abc import Hashable


class Refresh:
    """One entry being read anew."""

    def __init__(self, running: "dict[Hashable, Refresh]", key: Hashable) -> None:
        self._running = running
        self._key = key
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def has_ended(self) -> bool:
        """Whether those who waited were woken."""
        return self._ended.done()

    def end(self) -> None:
        """Wake those who wait for it. May be called again."""
        if not self._ended.done():
            del self._running[self._key]
            self._ended.set_result(None)

    async def wait(self, seconds: float) -> bool:
        """Wait until it has ended, for so long at most. Returns whether it has."""
        await asyncio.wait([self._ended], timeout=seconds)
        return self._ended.done()


class Refreshes:
    """The entries that a request is reading anew, by their key."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Refresh] = {}

    def begin(self, key: Hashable) -> Refresh | None:
        """For the request that is to read it, which ends it whatever happens; None when another one does."""
        if key in self._running:
            return None
        refresh = self._running[key] = Refresh(self._running, key)
        return refresh

    def of(self, key: Hashable) -> Refresh | None:
        """The one that is under way."""
        return self._running.get(key)
