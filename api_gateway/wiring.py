"""Builds the resources of the gateway from its settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api_gateway.app import OpenResources
from api_gateway.concurrency import ConcurrencyLimiter
from api_gateway.downstream.write_buffer import ResponseBuffer
from api_gateway.ports import RateLimiter
from api_gateway.rate_limits import Counters, FixedWindowRateLimiter
from api_gateway.request_body import BodyBuffer, BodyLimits
from api_gateway.resources import Limits, Resources, Upstream
from api_gateway.response_cache import GatewayResponseCache
from api_gateway.settings import Settings
from shared.cache.redis import open_redis_store
from shared.cache.validation import open_validator
from shared.circuit_breaker import CircuitBreaker, CircuitBreakerPolicy
from shared.http.client.pool import ConnectionPool
from shared.http.write_batch import WriteBatch


def production(settings: Settings) -> OpenResources:
    """The services at the addresses in `settings`. None of them need be up yet."""

    @asynccontextmanager
    async def open_resources() -> AsyncIterator[Resources]:
        upstreams = {name: _upstream(settings, name, url) for name, url in settings.url_of_service.items()}
        redis_url = settings.redis_url.get_secret_value()
        try:
            async with (
                open_redis_store(redis_url, settings.cache_timeout_seconds) as store,
                open_validator(store) as validator,
            ):
                yield Resources(
                    upstreams,
                    _limits(settings),
                    ResponseBuffer(settings.response_buffer_bytes),
                    WriteBatch(),
                    BodyBuffer(settings.body_buffer_bytes, settings.body_buffer_bytes // 4),
                    cache=GatewayResponseCache(validator, settings.cache_memory_bytes),
                    rate_limiter=_rate_limiter(settings, store),
                )
        finally:
            for each in upstreams.values():
                each.pool.close()

    return open_resources


def _rate_limiter(settings: Settings, counters: Counters) -> RateLimiter | None:
    limits = settings.rate_limits
    return None if limits.are_disabled else FixedWindowRateLimiter(counters, limits)


def _upstream(settings: Settings, name: str, url: str) -> Upstream:
    limit = settings.max_connections_per_service
    return Upstream(
        name,
        ConnectionPool(url, settings.connect_timeout_seconds),
        _breaker(settings, name),
        ConcurrencyLimiter(limit),
        ConcurrencyLimiter(max(1, limit // 2)),
        ConcurrencyLimiter(max(8, limit // 16)),
    )


def _breaker(settings: Settings, name: str) -> CircuitBreaker:
    policy = CircuitBreakerPolicy(
        failure_rate=settings.breaker_failure_rate,
        minimum_calls=settings.breaker_minimum_calls,
        window_seconds=settings.breaker_window_seconds,
        reset_timeout_seconds=settings.breaker_reset_timeout_seconds,
    )
    return CircuitBreaker(f"{name}-service", policy)


def _limits(settings: Settings) -> Limits:
    return Limits(
        body=BodyLimits(
            max_upload_bytes=settings.max_body_bytes,
            idle_seconds=settings.idle_timeout_seconds,
            upload_seconds=settings.max_body_seconds,
        ),
        permit_seconds=settings.pool_timeout_seconds,
        response_seconds=settings.first_byte_timeout_seconds,
        upload_response_seconds=settings.upload_answer_timeout_seconds,
        idle_seconds=settings.idle_timeout_seconds,
        trusted_networks=settings.trusted_networks,
    )
