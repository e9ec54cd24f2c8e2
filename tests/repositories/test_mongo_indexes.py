"""The services' own MongoDB stores, as production opens them."""

import asyncio
import uuid
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import pymongo
import pytest
from pydantic import SecretStr
from pymongo.errors import DuplicateKeyError, OperationFailure
from structlog.testing import capture_logs

import album_service.stores
import song_service.stores
import user_service.stores
from shared.clock import now
from shared.errors import UnavailableError
from shared.ports import MediaRef
from shared.providers import mongo_indexes
from shared.providers.mongo_errors import DuplicateDocumentError
from shared.settings import MongoSettings

EXPECTED = {
    "users_db": {"users", "user_audit", "blocks_of_removed_users", "account_tasks", "processed_webhooks"},
    "songs_db": {
        "songs",
        "song_audit",
        "interactions",
        "media_cleanups",
        "likes",
        "plays_per_day",
        "song_listeners",
    },
    "albums_db": {"albums", "album_audit", "media_cleanups", "shares"},
}


@pytest.mark.mongo
async def test_each_service_indexes_its_own_database(mongo_uri: str) -> None:
    settings = MongoSettings(mongodb_uri=SecretStr(mongo_uri))
    with pymongo.MongoClient[dict[str, object]](mongo_uri) as client:
        for name in EXPECTED:
            client.drop_database(name)
        async with (
            user_service.stores.open_stores(settings),
            song_service.stores.open_stores(settings),
            album_service.stores.open_stores(settings),
            asyncio.timeout(30),
        ):
            found: dict[str, set[str]] = {}
            while found != EXPECTED:
                await asyncio.sleep(0.05)
                found = {
                    name: {
                        collection
                        for collection in client[name].list_collection_names()
                        if len(client[name][collection].index_information()) > 1
                    }
                    for name in EXPECTED
                }
        for name in EXPECTED:
            client.drop_database(name)
    assert found == EXPECTED


@pytest.mark.mongo
async def test_services_in_one_database_keep_separate_journals(mongo_uri: str) -> None:
    name = f"test_{uuid.uuid4().hex}"
    one = urlsplit(mongo_uri)._replace(path=f"/{name}")
    settings = MongoSettings(mongodb_uri=SecretStr(urlunsplit(one)))
    due, later = now(), now() + timedelta(minutes=5)
    async with (
        song_service.stores.open_stores(settings) as songs,
        album_service.stores.open_stores(settings) as albums,
    ):
        await songs.media_cleanups.plan([MediaRef("songs/1/cover", "image")], due)
        of_album = await albums.media_cleanups.claim_due(due, later, 9)
        of_song = await songs.media_cleanups.claim_due(due, later, 9)
    with pymongo.MongoClient[dict[str, object]](mongo_uri) as client:
        client.drop_database(name)
    assert of_album == []
    assert [entry.media.public_id for entry in of_song] == ["songs/1/cover"]


class ComesUpLater:
    """A repository whose server is not there at first."""

    def __init__(self, failures: int, failure: Exception | None = None) -> None:
        self.failures = failures
        self.failure = failure or UnavailableError("not yet")
        self.is_built = asyncio.Event()

    async def ensure_indexes(self) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise self.failure
        self.is_built.set()


async def test_indexes_are_built_when_the_server_comes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_indexes, "RETRY_SECONDS", 0.01)
    repository = ComesUpLater(failures=3)
    async with mongo_indexes.building_indexes(repository), asyncio.timeout(30):
        await repository.is_built.wait()
    assert repository.failures == 0


async def test_failed_index_builds_are_logged_and_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mongo_indexes, "LATER_SECONDS", 0.01)
    repository = ComesUpLater(failures=2, failure=OperationFailure("index options conflict", 85))
    with capture_logs() as logged:
        async with mongo_indexes.building_indexes(repository), asyncio.timeout(30):
            await repository.is_built.wait()
    said = {"event": "indexes cannot be built", "repository": "ComesUpLater"}
    assert logged == [{**said, "exc_info": True, "log_level": "error"}] * 2


async def test_duplicate_values_are_logged_without_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_indexes, "LATER_SECONDS", 0.01)
    failure = DuplicateDocumentError()
    failure.__cause__ = DuplicateKeyError("dup key: { email: 'ada@example.com' }", 11000)
    repository = ComesUpLater(failures=1, failure=failure)
    with capture_logs() as logged:
        async with mongo_indexes.building_indexes(repository), asyncio.timeout(30):
            await repository.is_built.wait()
    said = {"event": "indexes cannot be built", "repository": "ComesUpLater", "error": "duplicate values"}
    assert logged == [{**said, "log_level": "error"}]


async def test_service_can_stop_before_indexes_are_built() -> None:
    repository = ComesUpLater(failures=10**9)
    async with asyncio.timeout(30), mongo_indexes.building_indexes(repository):
        await asyncio.sleep(0)
    assert not repository.is_built.is_set()
