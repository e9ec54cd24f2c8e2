"""One running system for all tests of a process, and fresh people for each test."""

import secrets
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.openapi_description import Description
from tests.system.running import (
    ADMIN_EMAIL,
    SECOND_ADMIN_EMAIL,
    People,
    RunningSystem,
    running_system,
)

DELEGATION_SECRET = secrets.token_hex(32)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The embedded system, without demo content; its services sign with a secret that they are given."""
    variables = {
        "ADMIN_EMAILS": f"{ADMIN_EMAIL},{SECOND_ADMIN_EMAIL}",
        "DELEGATION_SECRET": DELEGATION_SECRET,
    }
    with running_system(tmp_path_factory.mktemp("system") / "data", **variables) as running:
        yield running


@pytest.fixture
async def people(system: RunningSystem) -> AsyncIterator[People]:
    """People who use it."""
    made = People(system)
    yield made
    await made.close()


@pytest.fixture(scope="session")
def described(system: RunningSystem) -> dict[str, Description]:
    """What the services' OpenAPI says, by the path of a call."""
    with httpx.Client() as http:
        documents = [
            Description(http.get(f"{address}/openapi.json").json())
            for address in (system.users, system.songs, system.albums)
        ]
    return {path: each for each in documents for path in each.document["paths"]}


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """Another one, for tests that stop and kill parts of it: each leaves it whole, with what it stored.

    Each file has its own, or the pauses before a part is started again would grow from file to file.
    """
    folder = tmp_path_factory.mktemp("breakable")
    impatience = {
        "OUTBOX_POLL_SECONDS": "0.2",
        "RECOMBEE_TIMEOUT_SECONDS": "1",
        "SERVICE_TIMEOUT_SECONDS": "2",
    }
    with running_system(folder / "data", **impatience) as running:
        yield running
