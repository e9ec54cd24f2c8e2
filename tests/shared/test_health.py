"""Health probes of providers are cached and shared."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from shared.http.health import Probe, cached_probe, health_router


class Provider:
    """Counts how often it is probed; responds when it may."""

    def __init__(self) -> None:
        self.probes = 0
        self.may_respond = asyncio.Event()

    async def ping(self) -> bool:
        self.probes += 1
        await self.may_respond.wait()
        return True


async def well() -> bool:
    return True


@pytest.fixture
async def provider() -> Provider:
    return Provider()


def client(probe: Probe) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(health_router("test-service", lambda _: {"database": well, "engine": probe}))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


@pytest.fixture
async def http(provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    async with client(cached_probe(provider.ping, 3600)) as opened:
        yield opened


async def test_concurrent_health_requests_share_one_probe(
    http: httpx.AsyncClient, provider: Provider
) -> None:
    requested = [asyncio.create_task(http.get("/health")) for _ in range(200)]
    while provider.probes == 0:  # noqa: ASYNC110 - no event to wait for
        await asyncio.sleep(0)
    provider.may_respond.set()
    responses = await asyncio.gather(*requested)
    assert {response.json()["engine"] for response in responses} == {True}
    assert (await http.get("/health")).json()["engine"] is True
    assert provider.probes == 1


async def test_cancelled_request_does_not_cancel_the_shared_probe(provider: Provider) -> None:
    probe = cached_probe(provider.ping, 3600)
    first, second = (asyncio.ensure_future(probe()) for _ in range(2))
    while provider.probes == 0:  # noqa: ASYNC110 - no event to wait for
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    provider.may_respond.set()
    assert await second is True
    assert provider.probes == 1


async def test_probe_with_zero_ttl_runs_each_time(provider: Provider) -> None:
    provider.may_respond.set()
    probe = cached_probe(provider.ping, 0)
    assert [await probe() for _ in range(3)] == [True] * 3
    assert provider.probes == 3


async def test_failure_of_cached_probe_is_logged_once() -> None:
    async def refused() -> bool:
        raise ConnectionRefusedError

    async with client(cached_probe(refused, 3600)) as http:
        with capture_logs() as logged:
            healths = [(await http.get("/health")).json() for _ in range(3)]
    assert [(health["status"], health["engine"]) for health in healths] == [("DEGRADED", False)] * 3
    assert [(line["event"], line["probe"], line["error"]) for line in logged] == [
        ("probe failed", refused.__qualname__, "ConnectionRefusedError")
    ]
