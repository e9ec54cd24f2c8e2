"""Users as MongoDB documents."""

from collections.abc import Sequence
from datetime import datetime
from typing import overload

from shared.access.permissions import Role
from shared.clock import now
from shared.http.pagination import Slice
from shared.providers.mongo import (
    DESCENDING,
    NEWEST_FIRST,
    Document,
    Index,
    MongoDatabase,
    contains,
    id_of,
)
from shared.providers.mongo_errors import DuplicateDocumentError
from shared.providers.mongo_search import search_fields
from shared.text import fold
from user_service.domain import (
    AlreadyRegisteredError,
    EmailTakenError,
    User,
    UserChangedMeanwhileError,
    UserNotFoundError,
    digest_of_email,
)
from user_service.ports import UserChanges, UserFilter

INDEXES = (
    Index([("clerkId", DESCENDING)], unique=True),
    Index([("email", DESCENDING)], unique=True),
    Index(NEWEST_FIRST),
    Index([("role", DESCENDING), *NEWEST_FIRST]),
)
BLOCK_INDEXES = (Index([("emailDigest", DESCENDING)]),)
_ATTEMPTS = 5


class MongoUsers:
    """A `UserRepository`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._users = database.collection("users", INDEXES)
        self._blocks = database.collection("blocks_of_removed_users", BLOCK_INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._users.ensure_indexes()
        await self._blocks.ensure_indexes()

    async def add(self, user: User) -> None:
        try:
            await self._users.insert(to_document(user))
        except DuplicateDocumentError:
            if await self.find_by_clerk_id(user.clerk_id) is not None:
                raise AlreadyRegisteredError from None
            raise EmailTakenError from None

    async def get(self, user_id: str) -> User:
        document = await self._users.find_one({"_id": id_of(user_id)})
        if document is None:
            raise UserNotFoundError
        return to_user(document)

    async def find_by_clerk_id(self, clerk_id: str) -> User | None:
        document = await self._users.find_one({"clerkId": clerk_id})
        return None if document is None else to_user(document)

    async def list(self, wanted: UserFilter, part: Slice) -> Sequence[User]:
        return [to_user(document) for document in await self._users.page(_narrow(wanted), part)]

    async def count(self, wanted: UserFilter) -> int:
        return await self._users.count(_narrow(wanted))

    @overload
    async def change(self, user_id: str, changes: UserChanges) -> User: ...

    @overload
    async def change(self, user_id: str, changes: UserChanges, *, if_blocked: bool | None) -> User | None: ...

    async def change(
        self, user_id: str, changes: UserChanges, *, if_blocked: bool | None = None
    ) -> User | None:
        query: Document = {"_id": id_of(user_id)}
        if if_blocked is not None:
            query["isBlocked"] = if_blocked
        try:
            document = await self._users.change_one(
                query, {"$set": {**_to_change(changes), "updatedAt": now()}}
            )
        except DuplicateDocumentError:
            raise EmailTakenError from None
        if document is not None:
            return to_user(document)
        await self.get(user_id)
        return None

    async def apply_profile(
        self, user_id: str, changes: UserChanges, profile_at: datetime | None
    ) -> User | None:
        query: Document = {"_id": id_of(user_id)}
        update = _to_change(changes)
        if changes:
            update["updatedAt"] = now()
        if profile_at is not None:
            update["profileAt"] = profile_at
            query["$or"] = [{"profileAt": None}, {"profileAt": {"$lte": profile_at}}]
        if not update:
            return await self.get(user_id)
        try:
            document = await self._users.change_one(query, {"$set": update})
        except DuplicateDocumentError:
            raise EmailTakenError from None
        if document is not None:
            return to_user(document)
        await self.get(user_id)
        return None

    async def remove(self, user_id: str) -> None:
        for _ in range(_ATTEMPTS):
            user = await self.get(user_id)
            await self._keep_block(user)
            if await self._users.remove_one({"_id": id_of(user_id), "isBlocked": user.is_blocked}):
                return
        await self.get(user_id)
        raise UserChangedMeanwhileError

    async def _keep_block(self, user: User) -> None:
        """Before the removal: a process that is killed between the two must leave the block."""
        kept = {"_id": user.clerk_id}
        if user.is_blocked:
            update = {"$set": {"emailDigest": digest_of_email(user.email), "removedAt": now()}}
            await self._blocks.change_each([(kept, update)], or_insert=True)
        else:
            await self._blocks.remove_one(kept)

    async def was_removed_blocked(self, clerk_id: str, email: str) -> bool:
        same = [{"_id": clerk_id}, {"emailDigest": digest_of_email(email)}]
        return await self._blocks.find_one({"$or": same}) is not None


def _narrow(wanted: UserFilter) -> Document:
    query: Document = {}
    if wanted.role is not None:
        query["role"] = wanted.role.value
    if wanted.is_blocked is not None:
        query["isBlocked"] = wanted.is_blocked
    if wanted.text is not None:
        folded = contains(fold(wanted.text))
        # The name as it is written, too: users stored by an earlier version have no folded name yet.
        unfolded = contains(wanted.text.strip())
        query["$or"] = [
            {"nameFolded": folded},
            {"email": folded},
            {"fullName": unfolded},
            {"email": unfolded},
        ]
    return query


def name_fields(full_name: str) -> Document:
    """The search fields of a user with this name."""
    return {**search_fields(full_name, ""), "nameFolded": fold(full_name)}


def to_document(user: User) -> Document:
    """The user as it is stored."""
    return {
        "_id": id_of(user.id),
        "clerkId": user.clerk_id,
        "fullName": user.full_name,
        "email": user.email,
        "imageUrl": user.image_url,
        "role": user.role.value,
        "isBlocked": user.is_blocked,
        "createdAt": user.created_at,
        "updatedAt": user.updated_at,
        **name_fields(user.full_name),
        "profileAt": user.profile_at,
    }


def _to_change(changes: UserChanges) -> Document:
    document: Document = {}
    if "full_name" in changes:
        document["fullName"] = changes["full_name"]
        document |= name_fields(changes["full_name"])
    if "email" in changes:
        document["email"] = changes["email"]
    if "image_url" in changes:
        document["imageUrl"] = changes["image_url"]
    if "role" in changes:
        document["role"] = changes["role"].value
    if "is_blocked" in changes:
        document["isBlocked"] = changes["is_blocked"]
    return document


def to_user(document: Document) -> User:
    """The user that a document of the collection holds."""
    return User(
        id=str(document["_id"]),
        clerk_id=document["clerkId"],
        full_name=document["fullName"],
        email=document["email"],
        image_url=document["imageUrl"],
        role=Role(document["role"]),
        is_blocked=document["isBlocked"],
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        profile_at=document.get("profileAt"),
    )
