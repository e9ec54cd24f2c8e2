"""A running system for all these tests of a process, and fresh people for each test.

A system ends with the last of these tests in its process: an idle one probes and polls all the same.
"""

import asyncio
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


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
def described(system: RunningSystem) -> dict[str, Description]:
    """What the services' OpenAPI says, by the path of a call."""
    with httpx.Client(timeout=30) as http:
        documents = [
            Description(http.get(f"{address}/openapi.json").json())
            for address in (system.users, system.songs, system.albums)
        ]
    return {path: each for each in documents for path in each.document["paths"]}


IMPATIENCE = {
    "OUTBOX_POLL_SECONDS": "0.2",
    "RECOMBEE_TIMEOUT_SECONDS": "1",
    "SERVICE_TIMEOUT_SECONDS": "2",
}


@pytest.fixture(scope="package")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """For tests that stop and kill parts of it: each leaves it whole, with what it stored.

    It asks Clerk for changed profiles more often than once a minute.
    """
    folder = tmp_path_factory.mktemp("breakable")
    with running_system(folder / "data", **IMPATIENCE, PROFILE_REFRESH_SECONDS="2") as running:
        yield running


@pytest.fixture(scope="module")
def often_broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """A file's own, where parts are killed again and again: the pause before each restart grows."""
    folder = tmp_path_factory.mktemp("often-broken")
    with running_system(folder / "data", **IMPATIENCE) as running:
        yield running


@pytest.fixture(scope="package")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """For files that want few songs: see `emptied`."""
    with running_system(tmp_path_factory.mktemp("spare") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def emptied(spare: RunningSystem) -> RunningSystem:
    """`spare` without the songs and albums of other files.

    With fewer than 50 songs a recommendation names them all, and each sync invalidates it. With more, it is
    cached for minutes, and what other tests uploaded and played decides what is in it.
    """
    asyncio.run(_remove_content(spare))
    return spare


async def _remove_content(system: RunningSystem) -> None:
    people = People(system)
    try:
        admin = await people.admin()
        for things in ("songs", "albums"):
            for thing in (await admin.get(f"/admin/{things}")).json():
                assert (await admin.delete(f"/{things}/{thing['_id']}")).status_code == 200
    finally:
        await people.close()
