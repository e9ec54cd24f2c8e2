"""Rate limits through the gateway, counted in Redis."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.system.running import People, RunningSystem, running_system


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """A system whose clients may make 12 requests a minute."""
    folder = tmp_path_factory.mktemp("limited")
    with running_system(folder / "data", LIMIT_CALLS_PER_MINUTE="12") as running:
        yield running


async def test_only_the_client_over_its_limit_is_refused(limited: RunningSystem) -> None:
    people = People(limited)
    try:
        busy, calm = await people.user(), await people.user()
        responses = [await busy.get(f"/users/{busy.id}") for _ in range(14)]
        statuses = [response.status_code for response in responses]
        assert statuses[0] == 200
        refused = responses[-1]
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["RateLimit-Policy"] == '"calls";q=12;w=60'
        assert (await calm.get(f"/users/{calm.id}")).status_code == 200
    finally:
        await people.close()


async def test_cached_responses_do_not_count(limited: RunningSystem) -> None:
    async with httpx.AsyncClient(base_url=limited.gateway, timeout=30) as anyone:
        statuses = []
        for _ in range(30):
            statuses.append((await anyone.get("/api/songs")).status_code)
            await asyncio.sleep(0.02)
        assert statuses[:3] == [200, 200, 200]
        assert statuses.count(200) >= 25


async def test_rate_limits_are_off_by_default(system: RunningSystem) -> None:
    async with httpx.AsyncClient(base_url=system.gateway, timeout=30) as anyone:
        response = await anyone.get("/api/users/" + "0" * 24)
        assert "RateLimit" not in response.headers
