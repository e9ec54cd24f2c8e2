"""Writers at the same time: one document is changed by one of them at a time, as MongoDB documents it."""

import asyncio
from typing import Any

import pytest

pytestmark = pytest.mark.mongo


async def test_concurrent_writes_are_never_lost(mongo_database: Any) -> None:
    shared = mongo_database.shared
    await shared.create_index("key", unique=True, sparse=True)
    await shared.insert_one({"_id": 1, "n": 0, "revision": 0, "songIds": []})

    async def push_once(song: int) -> int:
        absent = {"_id": 1, "songIds": {"$ne": song}}
        result = await shared.update_one(absent, {"$push": {"songIds": song}})
        return int(result.matched_count)

    await asyncio.gather(*(shared.update_one({"_id": 1}, {"$inc": {"n": 1}}) for _ in range(100)))
    bump = {"$inc": {"revision": 1}}
    won = await asyncio.gather(
        *(shared.find_one_and_update({"_id": 1, "revision": 0}, bump) for _ in range(50))
    )
    pushed = await asyncio.gather(*(push_once(n % 10) for n in range(50)))
    made = await asyncio.gather(*(shared.insert_one({"key": "k"}) for _ in range(50)), return_exceptions=True)
    assert (await shared.find_one({"_id": 1}))["n"] == 100
    assert sum(response is not None for response in won) == 1
    assert sum(pushed) == 10
    assert sorted({type(response).__name__ for response in made}) == ["DuplicateKeyError", "InsertOneResult"]
    assert await shared.count_documents({"key": "k"}) == 1


async def test_each_job_is_claimed_by_one_worker(mongo_database: Any) -> None:
    await mongo_database.jobs.insert_many({"_id": n, "state": "new"} for n in range(40))

    async def worker() -> list[int]:
        claimed: list[int] = []
        claim = {"$set": {"state": "taken"}}
        while job := await mongo_database.jobs.find_one_and_update(
            {"state": "new"}, claim, sort=[("_id", 1)]
        ):
            claimed.append(job["_id"])
        return claimed

    claimed = [n for batch in await asyncio.gather(*(worker() for _ in range(8))) for n in batch]
    assert sorted(claimed) == list(range(40))
