"""Albums as MongoDB documents."""

from collections.abc import Sequence
from typing import overload

from album_service.domain import (
    Album,
    AlbumChangedMeanwhileError,
    AlbumFullError,
    AlbumNotFoundError,
    SongInAlbumError,
    SongNotFoundError,
)
from album_service.ports import AlbumChanges, AlbumFilter
from shared.clock import now
from shared.http.pagination import Slice
from shared.ports import StoredImage
from shared.providers.mongo import DESCENDING, NEWEST_FIRST, Document, Index, MongoDatabase, id_of
from shared.providers.mongo_search import search_fields

INDEXES = (
    Index([("isPublic", DESCENDING), ("isVisible", DESCENDING), *NEWEST_FIRST]),
    Index([("creatorId", DESCENDING), *NEWEST_FIRST]),
    Index([("collaboratorIds", DESCENDING), *NEWEST_FIRST]),
    Index(NEWEST_FIRST),
)
LISTED: Document = {"isPublic": True, "isVisible": True}
"""The fields of listed albums."""

_ATTEMPTS = 3


class MongoAlbums:
    """An `AlbumRepository`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._albums = database.collection("albums", INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._albums.ensure_indexes()

    async def add(self, album: Album) -> None:
        await self._albums.insert(to_document(album))

    async def get(self, album_id: str) -> Album:
        document = await self._albums.find_one({"_id": id_of(album_id)})
        if document is None:
            raise AlbumNotFoundError
        return to_album(document)

    async def list(self, wanted: AlbumFilter, part: Slice) -> Sequence[Album]:
        return [to_album(document) for document in await self._albums.page(narrow(wanted), part)]

    async def count(self, wanted: AlbumFilter) -> int:
        return await self._albums.count(narrow(wanted))

    @overload
    async def change(self, album_id: str, changes: AlbumChanges) -> Album: ...

    @overload
    async def change(
        self, album_id: str, changes: AlbumChanges, *, if_revision: int | None
    ) -> Album | None: ...

    async def change(
        self, album_id: str, changes: AlbumChanges, *, if_revision: int | None = None
    ) -> Album | None:
        only: Document = {} if if_revision is None else {"revision": if_revision}
        for _ in range(_ATTEMPTS):
            update = _to_change(changes)
            if not changes.keys().isdisjoint({"title", "creator_name"}):  # both are in the search fields
                read = await self.get(album_id)
                if "creator_name" not in changes:
                    only["creatorName"] = read.creator_name
                if "title" not in changes:
                    only["title"] = read.title
                update |= search_fields(
                    changes.get("title", read.title), changes.get("creator_name", read.creator_name)
                )
            changed = await self._update(album_id, only, {"$set": update})
            if changed is not None:
                return changed
            present = await self.get(album_id)
            names = {"title": present.title, "creatorName": present.creator_name}
            if all(only.get(field, name) == name for field, name in names.items()):
                return None
        raise AlbumChangedMeanwhileError

    async def append_song(self, album_id: str, song_id: str, most: int) -> Album:
        song_id = song_id.lower()
        # An array that has no element at `most - 1` holds fewer than `most`.
        room: Document = {f"songIds.{most - 1}": {"$exists": False}, "songIds": {"$ne": song_id}}
        for _ in range(_ATTEMPTS):
            if most > 0:
                changed = await self._update(album_id, room, {"$push": {"songIds": song_id}})
                if changed is not None:
                    return changed
            album = await self.get(album_id)
            if song_id in album.song_ids:
                raise SongInAlbumError
            if len(album.song_ids) >= most:
                raise AlbumFullError
        raise AlbumChangedMeanwhileError

    async def take_song_out(self, album_id: str, song_id: str) -> Album:
        song_id = song_id.lower()
        changed = await self._update(album_id, {"songIds": song_id}, {"$pull": {"songIds": song_id}})
        if changed is None:
            await self.get(album_id)
            raise SongNotFoundError
        return changed

    async def remove(self, album_id: str, *, if_revision: int | None = None) -> bool:
        only = {} if if_revision is None else {"revision": if_revision}
        if await self._albums.remove_one({"_id": id_of(album_id), **only}):
            return True
        await self.get(album_id)
        return False

    async def _update(self, album_id: str, only: Document, update: Document) -> Album | None:
        """The album after `update`; None if none matches `only`."""
        document = await self._albums.change_one(
            {"_id": id_of(album_id), **only},
            {**update, "$set": {**update.get("$set", {}), "updatedAt": now()}, "$inc": {"revision": 1}},
        )
        return None if document is None else to_album(document)


def narrow(wanted: AlbumFilter) -> Document:
    """The query for what `wanted` describes."""
    query: Document = {}
    if wanted.listed_only:
        query |= {"isPublic": True, "isVisible": True}
    if wanted.creator_id is not None:
        query["creatorId"] = wanted.creator_id
    if wanted.visible_only:
        query["isVisible"] = True
    if wanted.collaborator_id is not None:
        query["collaboratorIds"] = wanted.collaborator_id
    return query


def to_document(album: Album) -> Document:
    """The album as it is stored."""
    return {
        "_id": id_of(album.id),
        "title": album.title,
        "creatorId": album.creator_id,
        "creatorName": album.creator_name,
        "imagePublicId": album.image.public_id,
        "imageUrl": album.image.url,
        "songIds": list(album.song_ids),
        "collaboratorIds": list(album.collaborator_ids),
        "isPublic": album.is_public,
        "isVisible": album.is_visible,
        "createdAt": album.created_at,
        "updatedAt": album.updated_at,
        "revision": album.revision,
        **search_fields(album.title, album.creator_name),
    }


def _to_change(changes: AlbumChanges) -> Document:
    document: Document = {}
    if "title" in changes:
        document["title"] = changes["title"]
    if "creator_name" in changes:
        document["creatorName"] = changes["creator_name"]
    if "is_public" in changes:
        document["isPublic"] = changes["is_public"]
    if "is_visible" in changes:
        document["isVisible"] = changes["is_visible"]
    if "song_ids" in changes:
        document["songIds"] = list(changes["song_ids"])
    if "collaborator_ids" in changes:
        document["collaboratorIds"] = list(changes["collaborator_ids"])
    return document


def to_album(document: Document) -> Album:
    """The album that a document of the collection holds."""
    return Album(
        id=str(document["_id"]),
        title=document["title"],
        creator_id=document["creatorId"],
        creator_name=document["creatorName"],
        image=StoredImage(document["imagePublicId"], document["imageUrl"]),
        song_ids=tuple(document["songIds"]),
        is_public=document["isPublic"],
        is_visible=document["isVisible"],
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        revision=document["revision"],
        collaborator_ids=tuple(document.get("collaboratorIds", ())),
    )
