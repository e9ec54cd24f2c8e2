"""The engine's order of songs for each listener, asked for only so often.

A listener's plays make the order out of date. Somebody who goes through a list song by song would have the
engine asked again for each of them, and a call costs more than all else that the request does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from shared.cache.memory import MemoryLevel
from song_service.ports import RecommendationEngine

CALLS_AT_ONCE = 3
SECONDS_BETWEEN_CALLS = 60.0
"""A token bucket for each listener and process: of `CALLS_AT_ONCE`, filled with one in this time."""

CAPACITY_BYTES = 8 * 1024 * 1024
BYTES_OF_ID = 80


@dataclass(frozen=True, slots=True)
class Order:
    """Ids of songs, best first. `ttl_seconds`: how long it holds at most; None: as long as others."""

    ids: Sequence[str]
    ttl_seconds: int | None = None


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

    async def of(self, user_id: str, count: int) -> Order:
        """The order for this listener, of at most `count` songs.

        Raises:
            UnavailableError: the engine is down.
        """
        moment = monotonic()
        last = self._last.get(user_id) or _Last((), CALLS_AT_ONCE, moment)
        tokens = min(CALLS_AT_ONCE, last.tokens + (moment - last.at) / SECONDS_BETWEEN_CALLS)
        if tokens < 1 and last.ids:
            return Order(last.ids, math.ceil((1 - tokens) * SECONDS_BETWEEN_CALLS))
        begun = _Last(last.ids, max(0, tokens - 1), moment)
        self._last.put(user_id, begun)
        ids = tuple(await self._engine.for_user(user_id, count))
        if self._last.get(user_id) is begun:  # or else a later call has begun
            self._last.put(user_id, replace(begun, ids=ids if len(ids) >= count else ()))
        return Order(ids)
