"""The resources of the gateway, and its limits."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from api_gateway.concurrency import ConcurrencyLimiter
from api_gateway.downstream.write_buffer import ResponseBuffer, WriteBuffer
from api_gateway.headers import Network
from api_gateway.ports import RateLimiter, ResponseCache
from api_gateway.request_body import BodyBuffer, BodyLimits
from shared.circuit_breaker import CircuitBreaker
from shared.http.client.pool import ConnectionPool
from shared.http.write_batch import WriteBatch


@dataclass(frozen=True, slots=True)
class Upstream:
    """One service. Its name is the one of the route table and of /health/services.

    `permits` are for all requests at it, `upload_permits` for those of them whose bodies are still received:
    that takes as long as the client likes, and must not block other clients. `undecided_permits` are for
    uploads that the service has neither refused nor asked for: each opens a connection, so that many without
    a valid token would make those of other clients time out.
    """

    name: str
    pool: ConnectionPool
    breaker: CircuitBreaker
    permits: ConcurrencyLimiter
    upload_permits: ConcurrencyLimiter
    undecided_permits: ConcurrencyLimiter


@dataclass(frozen=True, slots=True)
class Limits:
    """What the gateway accepts and for how long it waits, in seconds; and which proxies it trusts."""

    body: BodyLimits
    permit_seconds: float
    response_seconds: float
    upload_response_seconds: float
    idle_seconds: float
    trusted_networks: Sequence[Network]


@dataclass(frozen=True, slots=True)
class Resources:
    """Opened by the lifespan. Without a cache or a rate limiter every request goes to its service."""

    upstreams: Mapping[str, Upstream]
    limits: Limits
    response_buffer: ResponseBuffer
    write_batch: WriteBatch
    body_buffer: BodyBuffer
    cache: ResponseCache | None = None
    rate_limiter: RateLimiter | None = None

    def write_buffer(self, transport: asyncio.Transport) -> WriteBuffer:
        """Returns the buffer for what is written to a client."""
        return WriteBuffer(transport, self.response_buffer, self.write_batch, self.limits.idle_seconds)


def resources_of(state: Mapping[str, Any]) -> Resources:
    """Returns the resources from the state of the lifespan."""
    return cast("Resources", state["resources"])
