"""One running system for all tests of a process, and fresh people for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.system.running import People, RunningSystem, running_system


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The embedded system, without demo content."""
    with running_system(tmp_path_factory.mktemp("system") / "data") as running:
        yield running


@pytest.fixture
async def people(system: RunningSystem) -> AsyncIterator[People]:
    """People who use it."""
    made = People(system)
    yield made
    await made.close()
