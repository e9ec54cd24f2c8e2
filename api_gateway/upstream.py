"""The services behind the gateway: where each is, and whether it is worth asking."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from api_gateway.breaker import Breaker


@dataclass(frozen=True, slots=True)
class Upstream:
    """One service. Its name is the one of the route table and of /health/services."""

    name: str
    url: httpx.URL
    breaker: Breaker


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
            "pool": self.pool,
            "first_byte": self.upload_answer if upload else self.first_byte,
            "read": self.idle,
            "write": self.idle,
        }
