"""MongoDB through motor, which repositories do not import: a database, its collections, their errors.

What a repository asks of a collection are plain operators, and documents that change at once one by one: no
transaction and no change stream, which a standalone server does not have.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import pymongo
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo.errors import OperationFailure

from shared import tracing
from shared.errors import UnavailableError
from shared.http.pagination import Slice
from shared.ids import is_id
from shared.providers.mongo_calls import Calls
from shared.providers.mongo_tracing import CommandSpans

ASCENDING: Final = pymongo.ASCENDING
DESCENDING: Final = pymongo.DESCENDING

# The driver's own defaults let each request hang for half a minute when the server is gone.
_OPTIONS: Final[Mapping[str, Any]] = {
    "serverSelectionTimeoutMS": 2000,
    "connectTimeoutMS": 2000,
    "timeoutMS": 5000,
    "maxPoolSize": 50,
    "waitQueueTimeoutMS": 1000,
    "w": "majority",
    "retryWrites": True,
}
PING_SECONDS = 0.9
# At the first start on a collection that is large already.
INDEX_BUILD_SECONDS = 600.0

Document = dict[str, Any]
Query = Mapping[str, Any]
Order = Sequence[tuple[str, int]]

NEWEST_FIRST: Final[Order] = (("createdAt", DESCENDING), ("_id", DESCENDING))


@dataclass(frozen=True, slots=True)
class Index:
    """An index over `fields` and their directions; `only` describes the documents in it when not all are.

    With `expire_after_seconds` MongoDB removes documents that long after the time in their only field.
    """

    fields: Order
    unique: bool = False
    only: Query | None = None
    expire_after_seconds: int | None = None

    def to_model(self) -> pymongo.IndexModel:
        """As the driver takes it."""
        options: dict[str, Any] = {"unique": self.unique}
        if self.only is not None:
            options["partialFilterExpression"] = self.only
        if self.expire_after_seconds is not None:
            options["expireAfterSeconds"] = self.expire_after_seconds
        return pymongo.IndexModel(list(self.fields), **options)


def id_of(text: str) -> ObjectId | None:
    """The `_id` that `text` is written for; None, which no document has, when it is not written as an id."""
    return ObjectId(text) if is_id(text) else None


def contains(text: str) -> Query:
    """A condition: the field contains `text` as it is written, in any case."""
    # A pattern may not hold NUL itself, and escape() leaves it alone.
    return {"$regex": re.escape(text).replace("\0", r"\x00"), "$options": "i"}


class Collection:
    """Documents of one kind.

    Every call raises UnavailableError when the server cannot be used now, and sees to it first that the
    indexes are there: what must be unique is so too after a start without the server.
    """

    def __init__(
        self, motor_collection: AsyncIOMotorCollection[Document], calls: Calls, indexes: Sequence[Index]
    ) -> None:
        self._motor_collection = motor_collection
        self._calls = calls
        self._indexes = indexes
        self._indexing = asyncio.Lock()
        self.is_indexed = False

    async def ensure_indexes(self) -> None:
        """Create missing indexes, with a longer timeout than other calls. Idempotent."""
        async with self._calls.limited(INDEX_BUILD_SECONDS):
            await self._build_indexes()

    async def _build_indexes(self) -> None:
        models = [index.to_model() for index in self._indexes]
        async with self._indexing:
            if not self.is_indexed:
                if models:
                    await self._motor_collection.create_indexes(models)
                self.is_indexed = True

    @asynccontextmanager
    async def _documents(self) -> AsyncIterator[AsyncIOMotorCollection[Document]]:
        """Motor's collection, with its indexes, for one call."""
        async with self._calls.limited():
            if not self.is_indexed:
                try:
                    await self._build_indexes()
                except OperationFailure as failure:  # logged by who builds them in the background
                    raise UnavailableError("The database is not ready yet") from failure
            yield self._motor_collection

    async def insert(self, document: Document) -> None:
        """Raises DuplicateDocumentError."""
        async with self._documents() as documents:
            await documents.insert_one(document)

    async def find_one(self, query: Query) -> Document | None:
        """The document that meets `query`, if there is one."""
        async with self._documents() as documents:
            found: Document | None = await documents.find_one(query)
        return found

    async def find(
        self, query: Query, *, order: Order = (), limit: int | None = None, fields: Sequence[str] = ()
    ) -> list[Document]:
        """Documents that meet `query`; with `fields`, only these of each."""
        async with self._documents() as documents:
            cursor = documents.find(query, list(fields) or None)
            if order:
                cursor = cursor.sort(list(order))
            if limit is not None:
                cursor = cursor.limit(limit)
            found: list[Document] = await cursor.to_list(None)
        return found

    async def page(self, query: Query, part: Slice, order: Order = NEWEST_FIRST) -> list[Document]:
        """One part of the documents that meet `query`, newest first.

        `order` names the field of the time and that of the id, both descending.
        """
        if part.after is not None:
            (moment, _), (key, _) = order
            after_id = id_of(part.after.id) if key == "_id" else part.after.id.lower()
            # The first condition gives the index its bound; the second parts those of the same moment.
            earlier = [{moment: {"$lt": part.after.created_at}}, {key: {"$lt": after_id}}]
            query = {"$and": [query, {moment: {"$lte": part.after.created_at}, "$or": earlier}]}
        return await self.find(query, order=order, limit=part.limit)

    async def count(self, query: Query) -> int:
        """How many documents meet `query`."""
        async with self._documents() as documents:
            return int(await documents.count_documents(query))

    async def change_one(self, query: Query, update: Query, *, or_insert: bool = False) -> Document | None:
        """Update one document that meets `query`, at once; returns it as it is then, or None when none does.

        `or_insert`: one when none does.

        Raises:
            DuplicateDocumentError: a key that it would have is another's.
        """
        async with self._documents() as documents:
            changed: Document | None = await documents.find_one_and_update(
                query, update, upsert=or_insert, return_document=pymongo.ReturnDocument.AFTER
            )
        return changed

    async def change_many(self, query: Query, update: Query) -> None:
        """Update all documents that meet `query`, each at once."""
        async with self._documents() as documents:
            await documents.update_many(query, update)

    async def change_each(self, changes: Sequence[tuple[Query, Query]], *, or_insert: bool = False) -> None:
        """For each (query, update): update a document that meets it; `or_insert` one when none does."""
        if not changes:
            return
        updates = [pymongo.UpdateOne(query, update, upsert=or_insert) for query, update in changes]
        async with self._documents() as documents:
            await documents.bulk_write(updates, ordered=False)

    async def claim(self, free: Query, order: Order, limit: int, lease: Query) -> list[Document]:
        """Give at most `limit` documents that are `free` to this caller and to no other.

        `lease` is set on them, so that they are not free any more. Their field `claim` tells whose they are.
        """
        found = await self.find(free, order=order, limit=limit, fields=["_id"])
        token = ObjectId()
        await self.change_each(
            [({**free, **document}, {"$set": {**lease, "claim": {"token": token}}}) for document in found]
        )
        ids = [document["_id"] for document in found]
        return await self.find({"_id": {"$in": ids}, "claim.token": token}, order=order)

    async def remove_one(self, query: Query) -> bool:
        """Whether there was a document that meets `query`; it is gone now."""
        async with self._documents() as documents:
            return bool((await documents.delete_one(query)).deleted_count)

    async def remove_many(self, query: Query) -> int:
        """Remove all documents that meet `query`; how many they were."""
        async with self._documents() as documents:
            return int((await documents.delete_many(query)).deleted_count)

    async def aggregate(self, stages: Sequence[Query]) -> list[Document]:
        """What comes out of an aggregation pipeline."""
        async with self._documents() as documents:
            found: list[Document] = await documents.aggregate(list(stages)).to_list(None)
        return found


class MongoDatabase:
    """A service's database."""

    def __init__(self, motor_database: AsyncIOMotorDatabase[Document]) -> None:
        self._motor_database = motor_database
        self._calls = Calls(motor_database.client)
        self._collections: list[Collection] = []

    def collection(self, name: str, indexes: Sequence[Index]) -> Collection:
        """The collection called `name`, with the indexes that it is to have."""
        made = Collection(self._motor_database[name], self._calls, indexes)
        self._collections.append(made)
        return made

    async def ping(self) -> bool:
        """Whether the server responds within a second, and every collection has its indexes.

        Until then calls wait for them, and fail when that takes long: a rollout must not go on meanwhile.
        """
        try:
            async with self._calls.limited(PING_SECONDS):
                await self._motor_database.command("ping")
        except UnavailableError:
            return False
        return all(collection.is_indexed for collection in self._collections)


@asynccontextmanager
async def open_mongo(uri: str, database_name: str, app_name: str) -> AsyncIterator[MongoDatabase]:
    """The database that `uri` names in its path, else `database_name`. Does not wait for the server.

    Options in `uri` override ours. Times come back aware, whatever it says.
    """
    _, _, query = uri.partition("?")
    given = {option.partition("=")[0].lower() for option in re.split("[&;]", query)}
    options = {name: value for name, value in _OPTIONS.items() if name.lower() not in given}
    if "appname" not in given:
        options["appname"] = app_name
    if tracing.is_enabled():
        options["event_listeners"] = [CommandSpans()]
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(uri, tz_aware=True, **options)
    try:
        yield MongoDatabase(client.get_default_database(database_name))
    finally:
        client.close()
