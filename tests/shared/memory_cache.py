"""A store in memory that can be down, and keeps what it holds meanwhile, as a Redis does that hangs."""

import itertools
from collections.abc import Sequence

from shared.cache.entry import EVERYTHING
from shared.cache.store import CacheDownError, version_key


class MemoryCache:
    """A `Store`. `renewals` are the invalidated tags, one tuple per call.

    Time does not pass in it but by `forget_after`. `reads` counts round trips, `beats` the heartbeats.
    """

    def __init__(self) -> None:
        self.is_down = False
        self.has_lost_data = False
        self.is_continuous = False
        self.crashed: set[str] = set()
        self.has_left = False
        self.reads = 0
        self.beats = 0
        self.renewals: list[tuple[str, ...]] = []
        self.entries: dict[str, bytes] = {}
        self.ttls: dict[str, int] = {}
        self._versions: dict[str, bytes] = {}
        self._sets: dict[str, set[str]] = {}
        self._words = (b"word-%d" % number for number in itertools.count())

    async def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        self._respond_or_fail()
        self.reads += 1
        return [self._versions.get(key) or self.entries.get(key) for key in keys]

    async def begin(self, tags: Sequence[str]) -> None:
        self._respond_or_fail()
        for tag in tags:
            self._versions.setdefault(version_key(tag), next(self._words))

    async def keep(self, key: str, value: bytes, ttl_seconds: int) -> None:
        self._respond_or_fail()
        self.entries[key] = value
        self.ttls[key] = ttl_seconds

    async def add(self, key: str, value: bytes, ttl_seconds: int) -> bool:
        self._respond_or_fail()
        if key in self.entries:
            return False
        await self.keep(key, value, ttl_seconds)
        return True

    async def extend(self, key: str, ttl_seconds: int) -> None:
        self._respond_or_fail()
        if key in self.ttls:
            self.ttls[key] = max(self.ttls[key], ttl_seconds)

    async def remove(self, key: str) -> None:
        self._respond_or_fail()
        self.entries.pop(key, None)

    async def add_member(self, key: str, member: str, ttl_seconds: int) -> None:
        self._respond_or_fail()
        self._sets.setdefault(key, set()).add(member)

    async def members(self, key: str) -> set[str]:
        self._respond_or_fail()
        return set(self._sets.get(key, ()))

    def forget_after(self, seconds: int) -> None:
        """Drop what has at most so long to live."""
        self.entries = {key: entry for key, entry in self.entries.items() if self.ttls[key] > seconds}

    async def forget(self, keys: Sequence[str]) -> None:
        self._respond_or_fail()
        for key in keys:
            self.entries.pop(key, None)
            self._versions.pop(key, None)
            self._sets.pop(key, None)

    async def renew(self, tags: Sequence[str]) -> None:
        self._respond_or_fail()
        self.renewals.append(tuple(tags))
        for tag in tags:
            self._versions[version_key(tag)] = next(self._words)

    async def beat(self) -> bool:
        self._respond_or_fail()
        self.beats += 1
        remembers, self.has_lost_data = not self.has_lost_data, False
        return remembers

    async def begin_continuity(self, seconds: int) -> None:
        await self.renew([EVERYTHING])
        self.is_continuous = True

    async def extend_continuity(self, seconds: int) -> bool:
        self._respond_or_fail()
        return self.is_continuous

    async def crashed_processes(self) -> Sequence[str]:
        self._respond_or_fail()
        return list(self.crashed)

    async def remove_processes(self, processes: Sequence[str]) -> None:
        self._respond_or_fail()
        self.crashed.difference_update(processes)

    async def leave(self) -> None:
        self._respond_or_fail()
        self.has_left = True

    async def ping(self) -> bool:
        self._respond_or_fail()
        return True

    def _respond_or_fail(self) -> None:
        if self.is_down:
            raise CacheDownError
