"""Calls the engine for a listener's recommendations at most once a minute, after a burst of three.

Each play makes a listener's recommendations outdated. Without a limit, somebody who listens to a list song by
song would cause a call of the engine for every song, and that costs more than the rest of the request.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from shared.cache.memory import MemoryLevel
from song_service.ports import RecommendationEngine

BUCKET_CAPACITY = 3
REFILL_SECONDS = 60.0
"""The token bucket of each listener, per process: capacity `BUCKET_CAPACITY`, one new token in this time."""

CAPACITY_BYTES = 8 * 1024 * 1024
BYTES_OF_ID = 80


@dataclass(frozen=True, slots=True)
class Order:
    """Ids of songs, best first. `ttl_seconds`: its longest time to live; None: that of its cache entry.
    `is_held`: an earlier order, returned again without a call of the engine.
    """

    ids: Sequence[str]
    ttl_seconds: int | None = None
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class _Last:
    """The last order of a listener, empty if the engine could not fill it, and the bucket as it was at `at`,
    when the engine was last called.
    """

    ids: Sequence[str]
    tokens: float
    at: float

    @property
    def size_bytes(self) -> int:
        return 512 + BYTES_OF_ID * len(self.ids)


class PersonalOrders:
    """While a listener's bucket is empty, their last order holds, if the engine could fill it."""

    def __init__(self, engine: RecommendationEngine) -> None:
        self._engine = engine
        self._last: MemoryLevel[str, _Last] = MemoryLevel(CAPACITY_BYTES)

    def held(self, user_id: str) -> Order | None:
        """The last order of this listener while their bucket is empty; None when the engine may be asked."""
        last, tokens = self._state(user_id)
        if tokens >= 1 or not last.ids:
            return None
        return Order(last.ids, math.ceil((1 - tokens) * REFILL_SECONDS), is_held=True)

    async def ask(self, user_id: str, count: int) -> Order:
        """The engine's order for this listener, of at most `count` songs. Takes a token.

        Raises:
            UnavailableError: the engine is down.
        """
        last, tokens = self._state(user_id)
        begun = _Last(last.ids, max(0, tokens - 1), monotonic())
        self._last.put(user_id, begun)
        ids = tuple(await self._engine.for_user(user_id, count))
        if self._last.get(user_id) is begun:  # or else a later call has begun
            self._last.put(user_id, replace(begun, ids=ids if len(ids) >= count else ()))
        return Order(ids)

    def _state(self, user_id: str) -> tuple[_Last, float]:
        """The last order, and the tokens in the bucket now."""
        last = self._last.get(user_id)
        if last is None:
            return _Last((), BUCKET_CAPACITY, monotonic()), BUCKET_CAPACITY
        return last, min(BUCKET_CAPACITY, last.tokens + (monotonic() - last.at) / REFILL_SECONDS)
