"""A machine without redis-server: fakeredis's TCP server stands in."""

from collections.abc import Iterator

import pytest

from tests.system.faults import until_healthy
from tests.system.media import upload
from tests.system.running import People, RunningSystem, running_system

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def without_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The embedded system as it is where no redis-server is installed."""
    with running_system(tmp_path_factory.mktemp("fake") / "data", EMBEDDED_FAKE_REDIS="1") as running:
        yield running


async def test_caches_work_without_a_redis_server(without_redis: RunningSystem) -> None:
    people = People(without_redis)
    try:
        artist, anyone = await people.artist(), people.client()
        song = await upload(artist, "Before")
        assert [each["title"] for each in (await anyone.get("/songs")).json()] == ["Before"]
        changed = await artist.patch(f"/songs/{song['_id']}", json={"title": "After"})
        assert changed.status_code == 200
        assert [each["title"] for each in (await anyone.get("/songs")).json()] == ["After"]
        assert (await anyone.get(f"/songs/{song['_id']}")).json()["title"] == "After"
    finally:
        await people.close()
    await until_healthy(without_redis.songs)
