"""What the MongoDB repositories rely on, each as MongoDB documents it, asked of the server under test.

Against another server (MONGODB_TEST_URI) the same assertions hold: they describe MongoDB, not a stand-in.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, WriteError

pytestmark = pytest.mark.mongo

NEWEST_FIRST = [("createdAt", DESCENDING), ("_id", DESCENDING)]
NOON = datetime(2025, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)


async def counts(collection: Any, query: dict[str, Any], update: dict[str, Any]) -> tuple[int, int]:
    """(matched, modified) of one update."""
    result = await collection.update_one(query, update)
    return result.matched_count, result.modified_count


async def ids(collection: Any, query: dict[str, Any]) -> list[Any]:
    return [found["_id"] async for found in collection.find(query, {"_id": 1}).sort("_id", ASCENDING)]


async def add_songs(database: Any, number: int) -> list[ObjectId]:
    """Songs numbered from 0 in order of creation, ten to each instant."""
    made = [ObjectId() for _ in range(number)]
    await database.songs.insert_many(
        {
            "_id": song_id,
            "n": n,
            "createdAt": NOON + timedelta(seconds=n // 10),
            "title": f"Song (No. {n})",
            "artist": f"artist-{n % 3}",
        }
        for n, song_id in enumerate(made)
    )
    return made


@pytest.fixture
async def users(mongo_database: Any) -> Any:
    """Two users under the unique indexes on clerkId and email."""
    users = mongo_database.users
    await users.create_indexes([IndexModel("clerkId", unique=True), IndexModel("email", unique=True)])
    await users.insert_many([{"_id": n, "clerkId": f"c{n}", "email": f"{n}@x"} for n in (1, 2)])
    return users


@pytest.fixture
async def album(mongo_database: Any) -> Any:
    """The collection that holds album 1, at revision 1."""
    await mongo_database.albums.insert_one({"_id": 1, "revision": 1, "songIds": ["a", "b"], "draft": True})
    return mongo_database.albums


async def test_duplicate_key_is_refused_by_every_write(users: Any) -> None:
    taken = {"$set": {"email": "1@x"}}
    attempts: dict[str, Callable[[], Awaitable[Any]]] = {
        "insert": lambda: users.insert_one({"clerkId": "c3", "email": "1@x"}),
        "update": lambda: users.update_one({"_id": 2}, taken),
        "update many": lambda: users.update_many({"_id": 2}, taken),
        "upsert": lambda: users.update_one({"clerkId": "c3"}, taken, upsert=True),
        "find and update": lambda: users.find_one_and_update({"_id": 2}, taken),
        "find and upsert": lambda: users.find_one_and_update({"clerkId": "c3"}, taken, upsert=True),
        "guarded upsert": lambda: users.update_one(
            {"_id": 1, "email": "no"}, {"$set": {"n": 1}}, upsert=True
        ),
    }
    for path, attempt in attempts.items():
        with pytest.raises(DuplicateKeyError) as refused:
            await attempt()
        assert refused.value.code == 11000, path
        index = "_id_" if path == "guarded upsert" else "email_1"
        assert f"index: {index} dup key" in str(refused.value), path
    assert await ids(users, {}) == [1, 2]


async def test_missing_field_is_null_in_unique_index(users: Any) -> None:
    await users.insert_one({"clerkId": "c3"})
    with pytest.raises(DuplicateKeyError):
        await users.insert_one({"clerkId": "c4"})


async def test_unique_sparse_index_ignores_missing_fields(mongo_database: Any) -> None:
    await mongo_database.keys.create_index("key", unique=True, sparse=True)
    await mongo_database.keys.insert_many([{"_id": 1}, {"_id": 2}, {"_id": 3, "key": "k"}])
    with pytest.raises(DuplicateKeyError):
        await mongo_database.keys.insert_one({"key": "k"})


async def test_compound_unique_index_refuses_equal_combinations(mongo_database: Any) -> None:
    plays = mongo_database.plays
    await plays.create_index([("user", ASCENDING), ("song", ASCENDING)], unique=True)
    await plays.insert_many([{"user": 1, "song": 1}, {"user": 1, "song": 2}, {"user": 2, "song": 1}])
    with pytest.raises(DuplicateKeyError):
        await plays.insert_one({"user": 1, "song": 2})


async def test_index_creation_is_idempotent(users: Any) -> None:
    await users.create_index("email", unique=True)
    await users.create_index([("role", ASCENDING), ("_id", DESCENDING)], name="by_role")
    indexes = await users.index_information()
    assert sorted(indexes) == ["_id_", "by_role", "clerkId_1", "email_1"]
    assert indexes["email_1"]["unique"] is True
    assert indexes["by_role"]["key"] == [("role", 1), ("_id", -1)]


async def test_keyset_pages_hold_every_song_once(mongo_database: Any) -> None:
    await add_songs(mongo_database, 95)
    seen: list[int] = []
    after: dict[str, Any] = {}
    while page := await mongo_database.songs.find(after).sort(NEWEST_FIRST).limit(7).to_list(None):
        seen += [song["n"] for song in page]
        last = page[-1]
        after = {
            "$or": [
                {"createdAt": {"$lt": last["createdAt"]}},
                {"createdAt": last["createdAt"], "_id": {"$lt": last["_id"]}},
            ]
        }
    assert seen == list(range(94, -1, -1))


async def test_five_hundred_ids_are_found_at_once(mongo_database: Any) -> None:
    made = await add_songs(mongo_database, 510)
    wanted = {"_id": {"$in": [*made[:499], ObjectId()]}}
    assert len(await mongo_database.songs.find(wanted).to_list(None)) == 499
    assert await mongo_database.songs.count_documents(wanted) == 499
    assert await mongo_database.songs.count_documents({"_id": {"$in": []}}) == 0


async def test_cursor_reads_past_its_first_batch(mongo_database: Any) -> None:
    await add_songs(mongo_database, 250)
    cursor = mongo_database.songs.find({}, batch_size=60).sort("n", ASCENDING)
    assert [song["n"] async for song in cursor] == list(range(250))


async def test_update_at_old_revision_changes_nothing(album: Any) -> None:
    change = {"$set": {"title": "t"}, "$inc": {"revision": 1}, "$unset": {"draft": ""}}
    at_first = {"_id": 1, "revision": 1}
    changed = await album.find_one_and_update(at_first, change, return_document=ReturnDocument.AFTER)
    assert changed == {"_id": 1, "revision": 2, "songIds": ["a", "b"], "title": "t"}
    assert await album.find_one_and_update(at_first, change, return_document=ReturnDocument.AFTER) is None
    assert await album.find_one({"_id": 1}) == changed


async def test_conditional_push_adds_a_song_once(album: Any) -> None:
    absent, push = {"_id": 1, "songIds": {"$ne": "c"}}, {"$push": {"songIds": "c"}}
    assert await counts(album, absent, push) == (1, 1)
    assert await counts(album, absent, push) == (0, 0)
    assert await counts(album, {"_id": 1}, {"$addToSet": {"songIds": "a"}}) == (1, 0)
    assert await counts(album, {"_id": 1}, {"$addToSet": {"songIds": "d"}}) == (1, 1)
    assert await counts(album, {"_id": 1}, {"$pull": {"songIds": "b"}}) == (1, 1)
    assert await counts(album, {"_id": 1}, {"$pull": {"songIds": "b"}}) == (1, 0)
    first = {"$push": {"songIds": {"$each": ["z"], "$position": 0}}}
    assert await counts(album, {"_id": 1, "songIds.3": {"$exists": False}}, first) == (1, 1)
    assert await counts(album, {"_id": 1, "songIds.3": {"$exists": False}}, first) == (0, 0)
    assert await counts(album, {"songIds": "c"}, {"$set": {"songIds.$": "C"}}) == (1, 1)
    assert (await album.find_one({"_id": 1}))["songIds"] == ["z", "a", "C", "d"]


async def test_invalid_update_has_the_mongodb_error_code(album: Any) -> None:
    for code, update in (
        (9, {"$nope": {"a": 1}}),
        (14, {"$inc": {"draft": 1}}),
        (40, {"$set": {"revision": 1}, "$inc": {"revision": 1}}),
        (66, {"$set": {"_id": 2}}),
    ):
        with pytest.raises(WriteError) as refused:
            await album.update_one({"_id": 1}, update)
        assert refused.value.code == code
    with pytest.raises(OperationFailure) as unknown:
        await album.find_one({"title": {"$nope": 1}})
    assert unknown.value.code == 2


async def test_upsert_returns_the_created_document(users: Any) -> None:
    made = await users.find_one_and_update(
        {"clerkId": "c3"},
        {"$set": {"email": "3@x"}, "$setOnInsert": {"_id": 3, "createdAt": NOON}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    assert made == {"_id": 3, "clerkId": "c3", "email": "3@x", "createdAt": NOON}


async def test_many_are_updated_counted_and_deleted(mongo_database: Any) -> None:
    await add_songs(mongo_database, 30)
    songs, theirs = mongo_database.songs, {"artist": "artist-1"}
    hide = {"$set": {"hidden": True}}
    first, again = await songs.update_many(theirs, hide), await songs.update_many(theirs, hide)
    assert (first.matched_count, first.modified_count) == (10, 10)
    assert (again.matched_count, again.modified_count) == (10, 0)
    assert await songs.count_documents({"hidden": {"$ne": True}}) == 20
    assert (await songs.delete_many(theirs)).deleted_count == 10
    assert await songs.count_documents({}) == 20


async def test_escaped_pattern_matches_in_any_case(mongo_database: Any) -> None:
    await add_songs(mongo_database, 30)
    await mongo_database.songs.insert_one({"title": "ÉTÉ à Ōsaka"})

    async def titles(text: str) -> list[str]:
        query = {"title": {"$regex": re.escape(text), "$options": "i"}}
        return [song["title"] async for song in mongo_database.songs.find(query, {"_id": 0, "title": 1})]

    assert await titles("song (no. 7)") == ["Song (No. 7)"]
    assert await titles(".*") == []
    assert await titles("été") == ["ÉTÉ à Ōsaka"]


async def test_plays_are_grouped_summed_and_ranked(mongo_database: Any) -> None:
    await add_songs(mongo_database, 10)
    pipeline: list[dict[str, Any]] = [
        {"$match": {"n": {"$gte": 1}}},
        {"$group": {"_id": "$artist", "plays": {"$sum": 1}, "total": {"$sum": "$n"}, "last": {"$max": "$n"}}},
        {"$sort": {"total": -1, "_id": 1}},
        {"$limit": 2},
    ]
    assert await mongo_database.songs.aggregate(pipeline).to_list(None) == [
        {"_id": "artist-0", "plays": 3, "total": 18, "last": 9},
        {"_id": "artist-2", "plays": 3, "total": 15, "last": 8},
    ]


async def test_null_missing_and_boolean_differ(mongo_database: Any) -> None:
    values = mongo_database.values
    await values.insert_many([{"_id": 1}, {"_id": 2, "v": None}, {"_id": 3, "v": 1}, {"_id": 4, "v": True}])
    assert await ids(values, {"v": None}) == [1, 2]
    assert await ids(values, {"v": {"$ne": None}}) == [3, 4]
    assert await ids(values, {"v": {"$exists": False}}) == [1]
    assert await ids(values, {"v": {"$type": "null"}}) == [2]
    assert await ids(values, {"v": {"$ne": 1}}) == [1, 2, 4]
    assert await ids(values, {"v": {"$lt": 5}}) == [3]
    assert await ids(values, {"v": True}) == [4]


async def test_times_are_utc_truncated_to_milliseconds(mongo_database: Any) -> None:
    moment = datetime(2025, 11, 22, 12, 0, 0, 123999, tzinfo=UTC)
    await mongo_database.times.insert_one({"_id": 1, "at": moment})
    at = (await mongo_database.times.find_one({"_id": 1}))["at"]
    assert at == moment.replace(microsecond=123000)
    assert at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(("ordered", "stored"), [(True, [1]), (False, [1, 2])])
async def test_only_ordered_bulk_stops_at_a_duplicate(
    mongo_database: Any, ordered: bool, stored: list[int]
) -> None:
    requests = [InsertOne({"_id": 1}), InsertOne({"_id": 1}), InsertOne({"_id": 2})]
    with pytest.raises(BulkWriteError) as failed:
        await mongo_database.bulk.bulk_write(requests, ordered=ordered)
    assert [(e["index"], e["code"]) for e in failed.value.details["writeErrors"]] == [(1, 11000)]
    assert await ids(mongo_database.bulk, {}) == stored


async def test_bulk_upserts_are_counted(mongo_database: Any) -> None:
    await mongo_database.bulk.insert_one({"_id": 1})
    result = await mongo_database.bulk.bulk_write(
        [UpdateOne({"_id": n}, {"$set": {"v": n}}, upsert=True) for n in (1, 2)], ordered=False
    )
    assert (result.matched_count, result.modified_count, result.upserted_ids) == (1, 1, {1: 2})


async def test_dropping_a_database_drops_its_indexes(users: Any, mongo_database: Any) -> None:
    await mongo_database.client.drop_database(mongo_database)
    await users.insert_many([{"email": "same"}, {"email": "same"}])
    assert await users.count_documents({}) == 2
