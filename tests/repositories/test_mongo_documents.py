"""The documents in MongoDB, on which other programs that read the database may rely."""

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure

from album_service import repository as album_repository
from album_service.ports import AlbumFilter
from album_service.repository import MongoAlbums
from shared.errors import UnavailableError
from shared.http.pagination import Slice
from shared.providers import mongo_cleanups
from shared.providers.mongo import ASCENDING, Collection, Index, MongoDatabase, Query, open_mongo
from shared.providers.mongo_calls import Calls
from shared.providers.mongo_cleanups import MongoMediaCleanups
from song_service import interactions as interaction_repository
from song_service import repository as song_repository
from song_service.interactions import MongoInteractions
from song_service.ports import SongFilter
from song_service.repository import MongoSongs
from tests.repositories.builders import NOON, a_song, a_user, an_album, an_interaction
from user_service import repository as user_repository
from user_service.ports import UserFilter
from user_service.repository import MongoUsers
from user_service.search import MongoArtistSearch

pytestmark = pytest.mark.mongo

DECLARED: dict[str, tuple[Index, ...]] = {
    "users": user_repository.INDEXES,
    "songs": song_repository.INDEXES,
    "interactions": interaction_repository.INDEXES,
    "albums": album_repository.INDEXES,
    "media_cleanups": mongo_cleanups.INDEXES,
}

SONG_FILTERS = (SongFilter(), SongFilter(listed_only=True), SongFilter(artist_id="a" * 24))
ALBUM_FILTERS = (AlbumFilter(listed_only=True), AlbumFilter(creator_id="a" * 24))


@pytest.fixture
def name() -> str:
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture
async def raw(mongo_uri: str, name: str) -> AsyncIterator[Any]:
    """The same database, seen by somebody else."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        mongo_uri, tz_aware=True, timeoutMS=10_000
    )
    yield client[name]
    await client.drop_database(name)
    client.close()


@pytest.fixture
async def database(mongo_uri: str, name: str, raw: Any) -> AsyncIterator[MongoDatabase]:
    async with open_mongo(mongo_uri, name, "tests") as opened:
        yield opened


async def test_user_document_uses_api_field_names(database: MongoDatabase, raw: Any) -> None:
    user = a_user(clerk_id="user_ada", email="ada@example.org")
    await MongoUsers(database).add(user)
    assert await raw.users.find_one() == {
        "_id": ObjectId(user.id),
        "clerkId": "user_ada",
        "fullName": "Ada Lovelace",
        "email": "ada@example.org",
        "imageUrl": "https://images.example.org/ada.png",
        "role": "user",
        "isBlocked": False,
        "createdAt": NOON,
        "updatedAt": NOON,
        "profileAt": None,
        "nameFolded": "ada lovelace",
        "titleKey": "ada lovelace",
        "titleWords": ["ada", "lovelace"],
        "byKey": "",
        "words": ["ada", "lovelace"],
        "searchVersion": 1,
    }


async def test_song_document_uses_api_field_names(database: MongoDatabase, raw: Any) -> None:
    song = a_song()
    await MongoSongs(database).add(song)
    document = await raw.songs.find_one({}, {"leaseUntil": False})
    assert document == {
        "_id": ObjectId(song.id),
        "title": "Blue in Green",
        "artistId": "a" * 24,
        "artistName": "Bill Evans",
        "imagePublicId": song.image.public_id,
        "imageUrl": song.image.url,
        "audioPublicId": song.audio.public_id,
        "audioUrl": song.audio.url,
        "streamingUrls": {
            "low": song.audio.low_url,
            "medium": song.audio.medium_url,
            "high": song.audio.high_url,
        },
        "duration": 327,
        "albumId": None,
        "genre": "jazz",
        "mood": None,
        "isPublic": True,
        "isVisible": True,
        "createdAt": NOON,
        "updatedAt": NOON,
        "revision": 1,
        "isDeleted": False,
        "isSent": False,
        "titleKey": "blue in green",
        "titleWords": ["blue", "in", "green"],
        "byKey": "bill evans",
        "words": ["blue", "in", "green", "bill", "evans"],
        "searchVersion": 1,
        "genreKey": "jazz",
        "moodKey": "",
        "plays": 0,
    }


async def test_album_document_uses_api_field_names(database: MongoDatabase, raw: Any) -> None:
    album = an_album(song_ids=("b" * 24, "a" * 24))
    await MongoAlbums(database).add(album)
    assert await raw.albums.find_one() == {
        "_id": ObjectId(album.id),
        "title": "Kind of Blue",
        "creatorId": "c" * 24,
        "creatorName": "Miles Davis",
        "imagePublicId": album.image.public_id,
        "imageUrl": album.image.url,
        "songIds": ["b" * 24, "a" * 24],
        "collaboratorIds": [],
        "isPublic": True,
        "isVisible": True,
        "createdAt": NOON,
        "updatedAt": NOON,
        "revision": 1,
        "titleKey": "kind of blue",
        "titleWords": ["kind", "of", "blue"],
        "byKey": "miles davis",
        "words": ["kind", "of", "blue", "miles", "davis"],
        "searchVersion": 1,
    }


async def test_removed_song_is_marked_until_synced(database: MongoDatabase, raw: Any) -> None:
    songs, song = MongoSongs(database), a_song()
    await songs.add(song)
    await songs.remove(song.id)
    assert (await raw.songs.find_one())["isDeleted"] is True
    await songs.mark_catalogue_synced(await songs.claim_unsynced(NOON, NOON, 9))
    assert await raw.songs.count_documents({}) == 0


async def test_declared_indexes_exist(database: MongoDatabase, raw: Any) -> None:
    cleanups = MongoMediaCleanups(database, "songs")
    documents = [made(database) for made in (MongoUsers, MongoSongs, MongoInteractions, MongoAlbums)]
    for made in (*documents, cleanups):
        await made.ensure_indexes()
        await made.ensure_indexes()
    for collection, declared in DECLARED.items():
        found = await raw[collection].index_information()
        del found["_id_"]
        assert sorted((index["key"], index.get("unique", False)) for index in found.values()) == sorted(
            (list(index.fields), index.unique) for index in declared
        )


@pytest.mark.parametrize(
    "query",
    [
        *(song_repository.narrow(wanted) for wanted in SONG_FILTERS),
        *(album_repository.narrow(wanted) for wanted in ALBUM_FILTERS),
    ],
    ids=str,
)
def test_listed_entries_are_counted_by_covering_index(query: dict[str, Any]) -> None:
    """MongoDB does that when the fields requested are the first ones of an index, and none is null."""
    assert None not in query.values()
    indexes = song_repository.INDEXES if "isDeleted" in query else album_repository.INDEXES
    beginnings = [{name for name, _ in index.fields[: len(query)]} for index in indexes]
    assert query.keys() in beginnings


async def test_first_call_builds_the_indexes(database: MongoDatabase, raw: Any) -> None:
    interactions = MongoInteractions(database)
    assert await interactions.add(an_interaction(dedup_key="same"))
    assert not await interactions.add(an_interaction(dedup_key="same"))
    assert len(await raw.interactions.index_information()) == 1 + len(DECLARED["interactions"])


class Unindexed:
    """Motor's collection, and the database of it alone, in which no index can be built for now."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self.client = collection.database.client
        self.command = collection.database.command
        self.refusal: Exception | None = None

    def __getitem__(self, name: str) -> "Unindexed":
        return self

    async def create_indexes(self, models: list[IndexModel]) -> None:
        if self.refusal is not None:
            raise self.refusal
        await self._collection.create_indexes(models)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)


@pytest.mark.parametrize("refusal", [DuplicateKeyError("E11000", 11000), OperationFailure("conflict", 86)])
async def test_database_without_its_indexes_is_not_ready(raw: Any, refusal: Exception) -> None:
    unindexed: Any = Unindexed(raw.users)
    unindexed.refusal = refusal
    database = MongoDatabase(unindexed)
    users = MongoUsers(database)
    assert not await database.ping()
    with pytest.raises(UnavailableError):
        await users.get("a" * 24)
    assert not await database.ping()
    unindexed.refusal = None
    await users.ensure_indexes()
    assert await database.ping()


class Overtaken(Collection):
    """Whatever this worker has found, another has claimed before this one can."""

    async def change_each(self, changes: Sequence[tuple[Query, Query]], *, or_insert: bool = False) -> None:
        await super().change_each([(query, {"$set": {"isFree": False}}) for query, _ in changes])
        await super().change_each(changes, or_insert=or_insert)


async def test_entry_claimed_meanwhile_is_not_claimed_twice(raw: Any) -> None:
    jobs = Overtaken(raw.jobs, Calls(raw.client), [Index([("n", ASCENDING)])])
    await jobs.insert({"n": 1, "isFree": True})
    assert await jobs.claim({"isFree": True}, [("n", ASCENDING)], 9, {"isFree": False}) == []
    assert await raw.jobs.count_documents({"isFree": False, "claim": {"$exists": False}}) == 1


async def test_entry_of_an_earlier_version_is_reminder_only(database: MongoDatabase, raw: Any) -> None:
    earlier = {
        "_id": "image/songs/a",
        "publicId": "songs/a",
        "resourceType": "image",
        "dueAt": NOON,
        "claim": None,
    }
    await raw.media_cleanups.insert_one(earlier)
    cleanups = await MongoMediaCleanups(database, "songs").claim_due(NOON, NOON + timedelta(minutes=5), 9)
    assert [entry.unfinished for entry in cleanups] == [False]


async def test_earlier_users_are_indexed_in_the_background(database: MongoDatabase, raw: Any) -> None:
    users, search = MongoUsers(database), MongoArtistSearch(database)
    jose = a_user(full_name="José")
    await users.add(jose)
    await raw.users.update_one({}, {"$unset": {"nameFolded": "", "searchVersion": ""}})
    assert await users.count(UserFilter(text="JOSÉ")) == 1
    assert await users.count(UserFilter(text="jose")) == 0
    assert await search.index_next(10) == [jose.id]
    assert await users.list(UserFilter(text="jose"), Slice(10)) == [jose]
