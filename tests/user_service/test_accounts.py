"""Deleting and renaming accounts: what is uploaded meanwhile is found by a later step."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from album_service.editing import STORED_WITHIN_SECONDS
from api_gateway.settings import Settings as GatewaySettings
from embedded.sqlite import schemas
from embedded.sqlite.account_tasks import SqliteAccountTasks
from embedded.sqlite.database import open_database
from embedded.sqlite.users import SqliteUsers
from shared.access.service_tokens import ServiceTokens
from shared.cache.read_through import open_read_through
from shared.cache.writes import Writes
from shared.errors import UnavailableError
from shared.http.idempotency_keys import IdempotencyKeys
from shared.http.service_client import ServiceClient
from shared.media.cleanup import COMMIT_TIMEOUT_SECONDS
from song_service.uploading import UploadLimits
from tests.repositories.builders import NOON, a_user
from tests.shared.memory_cache import MemoryCache
from tests.user_service.test_applied_profiles import Provider
from user_service import account_tasks
from user_service.account_tasks import (
    LAST_RECHECK_STEPS,
    RECHECK_DELAY,
    UPLOADS_DELAY,
    AccountQueue,
)
from user_service.accounts import Accounts, OtherServices, QueuedNames, Steps, account_queue
from user_service.administration import Administration
from user_service.caching import Invalidation

SECOND = timedelta(seconds=1)
LONGEST_UPLOAD_SECONDS = (
    GatewaySettings.model_fields["max_body_seconds"].default
    + max(STORED_WITHIN_SECONDS, UploadLimits(0, 0).stored_within_seconds)
    + COMMIT_TIMEOUT_SECONDS
)


class Content:
    """The song or the album service: the artist's name in each of their songs or albums."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def respond(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            self.names = ["new"] * len(self.names)
            return httpx.Response(204)
        self.names = []
        return httpx.Response(200, json={"remaining": 0})

    def client(self) -> ServiceClient:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.respond), base_url="http://service")
        return ServiceClient(http, "service")


class GoneIdentities(Provider):
    """An identity provider that deletes what it is told to."""

    async def delete(self, clerk_id: str) -> None:
        return


class World:
    """An account, its content, and a clock that the test moves."""

    def __init__(self, users: SqliteUsers, queue: AccountQueue, accounts: Accounts) -> None:
        self.users, self.queue, self.accounts = users, queue, accounts
        self.songs, self.albums = Content(), Content()
        self.ada = a_user(full_name="Ada")
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment

    def commit_an_upload(self) -> None:
        for each in (self.songs, self.albums):
            each.names.append("old")

    async def process_at(self, moment: datetime) -> None:
        self.moment = moment
        while await self.queue.process_due():
            pass

    @property
    def names(self) -> list[str]:
        return self.songs.names + self.albums.names


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with (
        open_database(tmp_path / "users.sqlite", schemas.USERS) as database,
        open_read_through(MemoryCache()) as cache,
    ):
        users, tasks = SqliteUsers(database), SqliteAccountTasks(database)
        administration = Administration(users, Invalidation(cache), Writes())
        songs, albums = Content(), Content()
        services = OtherServices(songs.client(), albums.client(), ServiceTokens("for tests"))
        keys = IdempotencyKeys(MemoryCache())
        steps = Steps(users, administration, GoneIdentities(), cache, keys, services)
        queue = account_queue(tasks, steps)
        world = World(users, queue, Accounts(queue, administration))
        world.songs, world.albums = songs, albums
        monkeypatch.setattr(account_tasks, "now", world.now)
        await users.add(world.ada)
        yield world


async def test_upload_that_outlasts_a_deletion_is_deleted(world: World) -> None:
    world.commit_an_upload()
    await world.accounts.delete(world.ada)
    await world.process_at(NOON + SECOND)
    assert world.names == []
    await world.process_at(NOON + RECHECK_DELAY)
    world.commit_an_upload()
    await world.process_at(NOON + UPLOADS_DELAY - SECOND)
    assert world.names == ["old", "old"]
    await world.process_at(NOON + UPLOADS_DELAY)
    assert world.names == []


async def test_refused_deletion_leaves_the_content(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database fails after the first steps are stored."""
    store = world.queue.add

    async def add(user: object, steps: object, delay: timedelta = timedelta(0)) -> None:
        if steps != LAST_RECHECK_STEPS:
            raise UnavailableError("Down")
        await store(world.ada, LAST_RECHECK_STEPS, delay)

    world.commit_an_upload()
    monkeypatch.setattr(world.queue, "add", add)
    with pytest.raises(UnavailableError):
        await world.accounts.delete(world.ada)
    await world.process_at(NOON + UPLOADS_DELAY)
    assert world.names == ["old", "old"]


async def test_upload_that_outlasts_a_renaming_gets_the_new_name(world: World) -> None:
    await QueuedNames(world.queue).profile_changed(world.ada)
    await world.process_at(NOON + timedelta(seconds=LONGEST_UPLOAD_SECONDS))
    world.commit_an_upload()
    await world.process_at(NOON + UPLOADS_DELAY)
    assert world.names == ["new", "new"]


def test_later_steps_come_after_the_longest_upload() -> None:
    assert UPLOADS_DELAY.total_seconds() > LONGEST_UPLOAD_SECONDS
    assert RECHECK_DELAY.total_seconds() > COMMIT_TIMEOUT_SECONDS
