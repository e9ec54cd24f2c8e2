"""Where the test server is known to differ from MongoDB; the decision record 0003 lists them all.

Each test states MongoDB's documented behaviour. On the built server it is expected to fail, strictly: when
a newer server responds right, the test says so and the record is to be shortened. Elsewhere it must pass.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, ConfigurationError, DuplicateKeyError, OperationFailure

pytestmark = pytest.mark.mongo

NotRaised = pytest.fail.Exception


@pytest.fixture
async def differs(
    mongo_database: Any, request: pytest.FixtureRequest
) -> Callable[[type[BaseException]], None]:
    """Expect the rest of the test to fail with this error on the built server, and on no other."""
    is_built_server = "gitVersion" not in await mongo_database.command("buildInfo")

    def expect(error: type[BaseException]) -> None:
        if is_built_server:
            request.applymarker(pytest.mark.xfail(strict=True, raises=error, reason="differs from MongoDB"))

    return expect


async def test_duplicate_key_error_names_its_key(mongo_database: Any, differs: Callable[..., None]) -> None:
    await mongo_database.users.create_index("email", unique=True)
    await mongo_database.users.insert_one({"email": "a@x"})
    with pytest.raises(DuplicateKeyError) as refused:
        await mongo_database.users.insert_one({"email": "a@x"})
    differs(AssertionError)
    assert refused.value.details is not None
    named = {key: refused.value.details.get(key) for key in ("keyPattern", "keyValue")}
    assert named == {"keyPattern": {"email": 1}, "keyValue": {"email": "a@x"}}


async def test_unique_partial_index_ignores_unmatched_documents(
    mongo_database: Any, differs: Callable[..., None]
) -> None:
    await mongo_database.albums.create_index("name", unique=True, partialFilterExpression={"live": True})
    await mongo_database.albums.insert_one({"name": "n", "live": False})
    differs(DuplicateKeyError)
    await mongo_database.albums.insert_one({"name": "n", "live": False})


async def test_failed_bulk_counts_only_inserted_documents(
    mongo_database: Any, differs: Callable[..., None]
) -> None:
    with pytest.raises(BulkWriteError) as failed:
        await mongo_database.bulk.bulk_write([InsertOne({"_id": 1}), InsertOne({"_id": 1})])
    differs(AssertionError)
    assert failed.value.details["nInserted"] == 1


async def test_ordered_bulk_stops_at_first_failed_update(
    mongo_database: Any, differs: Callable[..., None]
) -> None:
    await mongo_database.bulk.create_index("key", unique=True)
    await mongo_database.bulk.insert_many([{"_id": n, "key": n} for n in (1, 2, 3)])
    with pytest.raises(BulkWriteError):
        await mongo_database.bulk.bulk_write(
            [UpdateOne({"_id": 2}, {"$set": {"key": 1}}), UpdateOne({"_id": 3}, {"$set": {"key": 33}})]
        )
    differs(AssertionError)
    assert (await mongo_database.bulk.find_one({"_id": 3}))["key"] == 3


async def test_upserted_id_carries_its_time(mongo_database: Any, differs: Callable[..., None]) -> None:
    result = await mongo_database.users.update_one({"key": 1}, {"$set": {"n": 1}}, upsert=True)
    differs(AssertionError)
    assert abs(result.upserted_id.generation_time - datetime.now(UTC)) < timedelta(hours=1)


async def test_collation_matches_in_any_case(mongo_database: Any, differs: Callable[..., None]) -> None:
    await mongo_database.users.insert_one({"email": "a@x"})
    found = mongo_database.users.find({"email": "A@X"}).collation({"locale": "en", "strength": 2})
    differs(AssertionError)
    assert len(await found.to_list(None)) == 1


async def test_update_may_be_a_pipeline(mongo_database: Any, differs: Callable[..., None]) -> None:
    await mongo_database.albums.insert_one({"_id": 1, "title": "t"})
    differs(OperationFailure)
    await mongo_database.albums.update_one({"_id": 1}, [{"$set": {"copy": "$title"}}])


async def test_first_batch_holds_at_most_101_documents(
    mongo_database: Any, differs: Callable[..., None]
) -> None:
    await mongo_database.songs.insert_many({"n": n} for n in range(150))
    response = await mongo_database.command({"find": "songs"})
    differs(AssertionError)
    assert len(response["cursor"]["firstBatch"]) == 101


async def test_validator_refuses_a_document(mongo_database: Any, differs: Callable[..., None]) -> None:
    await mongo_database.create_collection("users", validator={"$jsonSchema": {"required": ["email"]}})
    differs(NotRaised)
    with pytest.raises(OperationFailure):
        await mongo_database.users.insert_one({"name": "n"})


async def test_key_cannot_have_two_indexes(mongo_database: Any, differs: Callable[..., None]) -> None:
    await mongo_database.users.create_index("email", name="one")
    differs(NotRaised)
    with pytest.raises(OperationFailure):
        await mongo_database.users.create_index("email", name="other")


async def test_sessions_are_supported(mongo_database: Any, differs: Callable[..., None]) -> None:
    await mongo_database.users.insert_one({"_id": 1})
    differs(ConfigurationError)
    async with await mongo_database.client.start_session() as session:
        await mongo_database.users.find_one({"_id": 1}, session=session)
