"""The progress of the demo content, as the web player asks for it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from embedded.cloud.demo_progress import FORGOTTEN_AFTER_SECONDS, DemoProgress

NOTHING = {"isAdding": False, "done": 0, "total": 0}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def cloud(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=DemoProgress(clock).routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cloud") as http:
        yield http


async def test_progress_is_shown_until_its_end(cloud: httpx.AsyncClient) -> None:
    assert (await cloud.get("/demo-progress")).json() == NOTHING
    assert (await cloud.put("/demo-progress", json={"done": 3, "total": 40})).status_code == 204
    assert (await cloud.get("/demo-progress")).json() == {"isAdding": True, "done": 3, "total": 40}
    assert (await cloud.delete("/demo-progress")).status_code == 204
    assert (await cloud.get("/demo-progress")).json() == NOTHING


async def test_progress_of_a_killed_run_is_forgotten(cloud: httpx.AsyncClient, clock: Clock) -> None:
    await cloud.put("/demo-progress", json={"done": 3, "total": 40})
    clock.now += FORGOTTEN_AFTER_SECONDS - 1
    assert (await cloud.get("/demo-progress")).json()["isAdding"] is True
    clock.now += 1
    assert (await cloud.get("/demo-progress")).json() == NOTHING


@pytest.mark.parametrize("body", [b"", b"{}", b'{"done": -1, "total": 2}', b'{"done": "1", "total": 2}'])
async def test_malformed_progress_is_refused(cloud: httpx.AsyncClient, body: bytes) -> None:
    response = await cloud.put("/demo-progress", content=body)
    assert response.status_code == 422
    assert response.json() == {"error": "The body must be {done, total}, both from 0"}
    assert (await cloud.get("/demo-progress")).json() == NOTHING
