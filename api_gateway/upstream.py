"""The services behind the gateway: where each is, and whether it is worth asking."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from api_gateway.breaker import Breaker


class Places:
    """How many requests may be at a service at once.

    Those whose bodies come in meanwhile have half of the places: clients decide how long that takes, and
    must not keep out everybody else.
    """

    def __init__(self, count: int) -> None:
        self._all = asyncio.Semaphore(count)
        self._for_long_bodies = asyncio.Semaphore(max(1, count // 2))

    async def take(self, *, has_long_body: bool, seconds: float) -> "Place":
        """Raises TimeoutError when none is free within `seconds`."""
        wanted = [self._for_long_bodies, self._all] if has_long_body else [self._all]
        place = Place()
        try:
            async with asyncio.timeout(seconds):
                for each in wanted:
                    await each.acquire()
                    place.holds.append(each)
        except BaseException:
            place.leave()
            raise
        return place


class Place:
    """What `Places` gave. To be left, once or more often."""

    def __init__(self) -> None:
        self.holds: list[asyncio.Semaphore] = []

    def leave(self) -> None:
        """Let the next one in."""
        while self.holds:
            self.holds.pop().release()


@dataclass(frozen=True, slots=True)
class Upstream:
    """One service. Its name is the one of the route table and of /health/services."""

    name: str
    url: httpx.URL
    breaker: Breaker
    places: Places


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long is waited for what, in seconds."""

    connect: float
    pool: float
    first_byte: float
    upload_answer: float
    idle: float

    def of(self, *, upload: bool) -> Mapping[str, float]:
        """As the transport reads them."""
        return {
            "connect": self.connect,
            "first_byte": self.upload_answer if upload else self.first_byte,
            "read": self.idle,
            "write": self.idle,
        }
