"""The contract of the repositories is tried on each store that implements it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from album_service.ports import AlbumRepository
from shared.ports import MediaCleanups
from song_service.ports import InteractionRepository, SongRepository
from tests.repositories.stores import MongoStore, Repositories, SqliteStore, Store
from user_service.ports import UserRepository


@pytest.fixture(params=["sqlite", pytest.param("mongo", marks=pytest.mark.mongo)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "sqlite":
        yield SqliteStore(tmp_path)
        return
    mongo = MongoStore(request.getfixturevalue("mongo_uri"))
    yield mongo
    await mongo.drop()


@pytest.fixture
async def repositories(store: Store) -> AsyncIterator[Repositories]:
    async with store.open() as opened:
        yield opened


@pytest.fixture
def users(repositories: Repositories) -> UserRepository:
    return repositories.users


@pytest.fixture
def songs(repositories: Repositories) -> SongRepository:
    return repositories.songs


@pytest.fixture
def interactions(repositories: Repositories) -> InteractionRepository:
    return repositories.interactions


@pytest.fixture
def albums(repositories: Repositories) -> AlbumRepository:
    return repositories.albums


@pytest.fixture
def cleanups(repositories: Repositories) -> MediaCleanups:
    return repositories.cleanups
