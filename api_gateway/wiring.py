"""Builds what the gateway talks to, from its settings."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from api_gateway.app import OpenResources, Resources
from api_gateway.body import BodyLimits
from api_gateway.breaker import Breaker, BreakerPolicy
from api_gateway.forwarding import Forwarder, Limits
from api_gateway.settings import Settings
from api_gateway.transport import RelayTransport
from api_gateway.upstream import Deadlines, Places, Upstream
from shared import metrics


def production(settings: Settings) -> OpenResources:
    """The services where `settings` say, over one pool of connections. None of them need be up yet."""

    @asynccontextmanager
    async def open_resources() -> AsyncIterator[Resources]:
        upstreams = {
            name: Upstream(
                name, httpx.URL(url), _breaker(settings, name), Places(settings.max_connections_per_service)
            )
            for name, url in settings.url_of_service.items()
        }
        limits = _limits(settings)
        async with RelayTransport() as transport:
            forwarder = Forwarder(transport, upstreams, limits)
            yield Resources(forwarder, transport, upstreams, limits)

    return open_resources


def _breaker(settings: Settings, name: str) -> Breaker:
    policy = BreakerPolicy(
        failure_rate=settings.breaker_failure_rate,
        minimum_calls=settings.breaker_minimum_calls,
        window_seconds=settings.breaker_window_seconds,
        open_seconds=settings.breaker_open_seconds,
    )
    breaker = Breaker(policy, time.monotonic)
    metrics.BREAKER_OPEN.labels(f"{name}-service").set_function(lambda: float(breaker.is_open))
    return breaker


def _limits(settings: Settings) -> Limits:
    return Limits(
        body=BodyLimits(settings.max_body_bytes, settings.idle_timeout_seconds, settings.max_body_seconds),
        deadlines=Deadlines(
            connect=settings.connect_timeout_seconds,
            pool=settings.pool_timeout_seconds,
            first_byte=settings.first_byte_timeout_seconds,
            upload_answer=settings.upload_answer_timeout_seconds,
            idle=settings.idle_timeout_seconds,
        ),
        trusted_networks=settings.trusted_networks,
    )
