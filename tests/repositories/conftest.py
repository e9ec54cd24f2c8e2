"""The contract of the repositories is tried on each store that implements it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from album_service.ports import AlbumRepository, ShareRepository
from shared.audit import AuditRepository
from shared.ports import MediaCleanups
from song_service.library_ports import HistoryRepository, LikeRepository, PlayStatistics
from song_service.ports import InteractionRepository, SongRepository
from song_service.search_ports import SongSearch
from tests.repositories.stores import AlbumStore, MongoStore, Repositories, SongStore, SqliteStore, Store
from user_service.account_tasks import AccountTaskRepository
from user_service.ports import ProcessedWebhooks, UserRepository


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
async def users(store: Store) -> AsyncIterator[UserRepository]:
    async with store.users() as opened:
        yield opened


@pytest.fixture
async def account_tasks(store: Store) -> AsyncIterator[AccountTaskRepository]:
    async with store.account_tasks() as opened:
        yield opened


@pytest.fixture
async def processed_webhooks(store: Store) -> AsyncIterator[ProcessedWebhooks]:
    async with store.processed_webhooks() as opened:
        yield opened


@pytest.fixture
async def albums(store: Store) -> AsyncIterator[AlbumRepository]:
    async with store.albums() as opened:
        yield opened


@pytest.fixture
async def album_store(store: Store) -> AsyncIterator[AlbumStore]:
    async with store.playlists() as opened:
        yield opened


@pytest.fixture
def shares(album_store: AlbumStore) -> ShareRepository:
    return album_store.shares


@pytest.fixture
async def song_store(store: Store) -> AsyncIterator[SongStore]:
    async with store.songs() as opened:
        yield opened


@pytest.fixture
def songs(song_store: SongStore) -> SongRepository:
    return song_store.songs


@pytest.fixture
def interactions(song_store: SongStore) -> InteractionRepository:
    return song_store.interactions


@pytest.fixture
def audit(song_store: SongStore) -> AuditRepository:
    return song_store.audit


@pytest.fixture
def cleanups(song_store: SongStore) -> MediaCleanups:
    return song_store.cleanups


@pytest.fixture
def likes(song_store: SongStore) -> LikeRepository:
    return song_store.likes


@pytest.fixture
def history(song_store: SongStore) -> HistoryRepository:
    return song_store.history


@pytest.fixture
def statistics(song_store: SongStore) -> PlayStatistics:
    return song_store.statistics


@pytest.fixture
def song_search(song_store: SongStore) -> SongSearch:
    return song_store.search
