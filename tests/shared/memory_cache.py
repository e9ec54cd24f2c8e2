"""A cache in memory that can be down, and keeps what it holds meanwhile, as a Redis does that hangs."""

import itertools
from collections.abc import Sequence

from shared.cache.read_through import CacheDownError


class MemoryCache:
    """A `Cache`. `renewals` are the tags that it was told of, each call's in one.

    Time does not pass in it but by `forget_after`.
    """

    def __init__(self) -> None:
        self.is_down = False
        self.renewals: list[tuple[str, ...]] = []
        self.entries: dict[str, tuple[tuple[str, ...], bytes]] = {}
        self.ttls: dict[str, int] = {}
        self._tag_versions: dict[str, str] = {}
        self._words = (f"word-{number}" for number in itertools.count())

    async def read(self, key: str, tags: Sequence[str]) -> tuple[bytes | None, tuple[str, ...]]:
        self._answer_or_fail()
        present = tuple(self._tag_versions.setdefault(tag, next(self._words)) for tag in tags)
        kept_at, value = self.entries.get(key, ((), b""))
        return (value if kept_at == present else None), present

    async def keep(self, key: str, tag_versions: Sequence[str], value: bytes, ttl_seconds: int) -> None:
        self._answer_or_fail()
        self.entries[key] = (tuple(tag_versions), value)
        self.ttls[key] = ttl_seconds

    def forget_after(self, seconds: int) -> None:
        """Drop what has at most so long to live."""
        self.entries = {key: entry for key, entry in self.entries.items() if self.ttls[key] > seconds}

    async def renew(self, tags: Sequence[str]) -> None:
        self._answer_or_fail()
        self.renewals.append(tuple(tags))
        for tag in tags:
            self._tag_versions[tag] = next(self._words)

    async def ping(self) -> bool:
        self._answer_or_fail()
        return True

    def _answer_or_fail(self) -> None:
        if self.is_down:
            raise CacheDownError
