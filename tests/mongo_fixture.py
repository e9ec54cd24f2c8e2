"""The server on which the MongoDB repositories are tested, as a pytest plugin.

`MONGODB_TEST_URI` names any server; without it the one that `tests/mongo_server/build.sh` makes is started,
one for each test process (about half a second). Where there is neither, tests that need one are skipped
with the reason, except where `CI=true` or `REQUIRE_MONGO=1`: there a missing server is a failure.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, NoReturn

import pymongo
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError

from tests.mongo_server import server

PROBE_TIMEOUT_MS = 2000


def _required() -> bool:
    return os.environ.get("CI") == "true" or os.environ.get("REQUIRE_MONGO") == "1"


def _without_server(reason: str) -> NoReturn:
    if _required():
        pytest.fail(f"a MongoDB server is required here: {reason}", pytrace=False)
    pytest.skip(f"no MongoDB server: {reason}")


def _given_server() -> tuple[str, str | None]:
    """What the server at MONGODB_TEST_URI says it is, and why it cannot be used (None when it can).

    The URI itself is never shown: it may carry a password.
    """
    try:
        with pymongo.MongoClient[dict[str, Any]](
            os.environ["MONGODB_TEST_URI"], serverSelectionTimeoutMS=PROBE_TIMEOUT_MS
        ) as client:
            version = client.admin.command("buildInfo")["version"]
    except PyMongoError as error:
        reason = f"MONGODB_TEST_URI does not respond ({type(error).__name__})"
        return reason, reason
    return f"version {version} at MONGODB_TEST_URI", None


def pytest_report_header() -> str:
    if os.environ.get("MONGODB_TEST_URI"):
        return f"mongo: {_given_server()[0]}"
    reason = server.missing()
    if reason is None:
        return f"mongo: {server.name()}"
    return f"mongo: none ({reason}), its tests {'fail' if _required() else 'are skipped'}"


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a server that responds. It may be shared and old: use a database of your own and drop it."""
    if os.environ.get("MONGODB_TEST_URI"):
        _, reason = _given_server()
        if reason is not None:
            _without_server(reason)
        yield os.environ["MONGODB_TEST_URI"]
        return
    reason = server.missing()
    if reason is not None:
        _without_server(reason)
    with server.start(tmp_path_factory.mktemp("mongo")) as running:
        yield running.uri


@pytest.fixture
def built_mongo_server() -> None:
    """For tests that start, stop and kill servers themselves, with `tests.mongo_server.server.start`."""
    reason = server.missing()
    if reason is not None:
        _without_server(reason)


@pytest.fixture
async def mongo_database(mongo_uri: str) -> AsyncIterator[Any]:
    """A motor database of this test's own, with aware times, dropped afterwards."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        mongo_uri, tz_aware=True, timeoutMS=60_000
    )
    database = client[f"test_{uuid.uuid4().hex}"]
    try:
        yield database
        await client.drop_database(database)
    finally:
        client.close()
