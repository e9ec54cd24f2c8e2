"""The engine's order of songs for each listener, asked for only so often.

A listener's plays make the order out of date. Somebody who goes through a list song by song would have the
engine asked again for each of them, and a call costs more than all else that the request does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
    """The last order of a listener. `full_at`: when the bucket is full again, as `monotonic()`."""

    ids: Sequence[str]
    full_at: float

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
        last = self._last.get(user_id)
        full_at = moment if last is None else max(moment, last.full_at)
        seconds_to_wait = full_at - moment - (CALLS_AT_ONCE - 1) * SECONDS_BETWEEN_CALLS
        if last is not None and len(last.ids) >= count and seconds_to_wait > 0:
            return Order(last.ids, math.ceil(seconds_to_wait))
        ids = tuple(await self._engine.for_user(user_id, count))
        self._last.put(user_id, _Last(ids, full_at + SECONDS_BETWEEN_CALLS))
        return Order(ids)
