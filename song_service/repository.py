"""Songs as MongoDB documents, each with its sync state for the recommendation engine. A deleted song stays as
a tombstone (`isDeleted`) until the deletion is synced. `isSent` is whether the current `revision` is synced;
the worker that sends it holds the document until `leaseUntil`.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import overload

from pydantic.alias_generators import to_camel

from shared.clock import now
from shared.http.pagination import Slice
from shared.ports import StoredAudio, StoredImage
from shared.providers.mongo import ASCENDING, DESCENDING, NEWEST_FIRST, Document, Index, MongoDatabase, id_of
from shared.providers.mongo_search import search_fields
from shared.search import key_of
from song_service.domain import (
    DETAILS,
    CatalogueEntry,
    Song,
    SongChangedMeanwhileError,
    SongChanges,
    SongNotFoundError,
    values_of,
)
from song_service.ports import SongFilter

_OLDEST_CHANGE_FIRST = (("updatedAt", ASCENDING), ("_id", ASCENDING))

INDEXES = (
    # Covering indexes: each holds every field of its queries, so that MongoDB counts in the index alone.
    Index([("isDeleted", DESCENDING), ("isPublic", DESCENDING), ("isVisible", DESCENDING), *NEWEST_FIRST]),
    Index([("isDeleted", DESCENDING), ("artistId", DESCENDING), *NEWEST_FIRST]),
    Index([("isDeleted", DESCENDING), *NEWEST_FIRST]),
    # Begins with `isSent`, although it is constant: otherwise MongoDB does not use the index for counting.
    Index([("isSent", ASCENDING), *_OLDEST_CHANGE_FIRST], only={"isSent": False}),
)

_KEYS = {name: to_camel(name) for name in (*DETAILS, "is_visible")}
"""The names in documents of the fields that can change."""

_EXISTS: Document = {"isDeleted": False}
LISTED: Document = {**_EXISTS, "isPublic": True, "isVisible": True}
"""The fields of listed songs."""

_ATTEMPTS = 3
_LEASED_BY_NOBODY = datetime(1970, 1, 1, tzinfo=UTC)


class MongoSongs:
    """A `SongRepository`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._songs = database.collection("songs", INDEXES)

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        await self._songs.ensure_indexes()

    async def add(self, song: Song) -> None:
        await self._songs.insert(to_document(song))

    async def get(self, song_id: str) -> Song:
        document = await self._songs.find_one({"_id": id_of(song_id), **_EXISTS})
        if document is None:
            raise SongNotFoundError
        return to_song(document)

    async def get_many(self, song_ids: Sequence[str]) -> Sequence[Song]:
        query = {"_id": {"$in": [id_of(song_id) for song_id in song_ids]}, **_EXISTS}
        return [to_song(document) for document in await self._songs.find(query)]

    async def list(self, wanted: SongFilter, part: Slice) -> Sequence[Song]:
        return [to_song(document) for document in await self._songs.page(narrow(wanted), part)]

    async def count(self, wanted: SongFilter) -> int:
        return await self._songs.count(narrow(wanted))

    @overload
    async def change(self, song_id: str, changes: SongChanges) -> Song: ...

    @overload
    async def change(self, song_id: str, changes: SongChanges, *, if_revision: int | None) -> Song | None: ...

    async def change(
        self, song_id: str, changes: SongChanges, *, if_revision: int | None = None
    ) -> Song | None:
        query: Document = {"_id": id_of(song_id), **_EXISTS}
        if if_revision is not None:
            query["revision"] = if_revision
        for _ in range(_ATTEMPTS):
            update = _to_change(changes)
            if not changes.keys().isdisjoint({"title", "artist_name"}):  # both are in the search fields
                read = await self.get(song_id)
                if "artist_name" not in changes:
                    query["artistName"] = read.artist_name
                if "title" not in changes:
                    query["title"] = read.title
                update |= search_fields(
                    changes.get("title", read.title), changes.get("artist_name", read.artist_name)
                )
            document = await self._songs.change_one(query, _next_revision(update))
            if document is not None:
                return to_song(document)
            present = await self.get(song_id)
            names = {"title": present.title, "artistName": present.artist_name}
            if all(query.get(field, name) == name for field, name in names.items()):
                return None
        raise SongChangedMeanwhileError

    async def remove(self, song_id: str) -> None:
        removal = _next_revision({"isDeleted": True})
        if await self._songs.change_one({"_id": id_of(song_id), **_EXISTS}, removal) is None:
            raise SongNotFoundError

    async def claim_unsynced(
        self, moment: datetime, lease_until: datetime, limit: int
    ) -> Sequence[CatalogueEntry]:
        claimed = await self._songs.claim(
            {"isSent": False, "leaseUntil": {"$lte": moment}},
            _OLDEST_CHANGE_FIRST,
            limit,
            {"leaseUntil": lease_until},
        )
        return [_to_entry(document, lease_until) for document in claimed]

    async def mark_catalogue_synced(self, entries: Sequence[CatalogueEntry]) -> None:
        if not entries:
            return
        states: list[tuple[Document, int]] = [
            ({"_id": id_of(entry.song_id)}, entry.revision) for entry in entries
        ]
        present = [{**song, "revision": revision} for song, revision in states]
        stale = [{**song, "revision": {"$ne": revision}} for song, revision in states]
        # Only the lease that the entry was claimed with: a later one is another worker's.
        leased = [{"_id": id_of(entry.song_id), "leaseUntil": entry.leased_until} for entry in entries]
        await self._songs.remove_many({"$or": present, "isDeleted": True})
        await self._songs.change_many({"$or": present}, {"$set": {"isSent": True}})
        await self._songs.change_many({"$or": stale}, {"$set": {"isSent": False}})
        await self._songs.change_many({"$or": leased}, {"$set": {"leaseUntil": _LEASED_BY_NOBODY}})

    async def count_unsynced(self, song_ids: Collection[str] | None = None) -> int:
        of_these = {} if song_ids is None else {"_id": {"$in": [id_of(each) for each in song_ids]}}
        return await self._songs.count({"isSent": False, **of_these})


def _next_revision(changes: Document) -> Document:
    # The lease stays: two states of a song are never in flight to the engine at once.
    return {"$set": {**changes, "updatedAt": now(), "isSent": False}, "$inc": {"revision": 1}}


def narrow(wanted: SongFilter) -> Document:
    """The query for what `wanted` describes."""
    query = dict(_EXISTS)
    if wanted.listed_only:
        query |= {"isPublic": True, "isVisible": True}
    if wanted.artist_id is not None:
        query["artistId"] = wanted.artist_id
    return query


def to_document(song: Song) -> Document:
    """The song as it is stored."""
    return {
        "_id": id_of(song.id),
        **{_KEYS[name]: value for name, value in values_of(song).items()},
        "artistId": song.artist_id,
        "artistName": song.artist_name,
        "imagePublicId": song.image.public_id,
        "imageUrl": song.image.url,
        "audioPublicId": song.audio.public_id,
        "audioUrl": song.audio.url,
        "streamingUrls": {
            "low": song.audio.low_url,
            "medium": song.audio.medium_url,
            "high": song.audio.high_url,
        },
        "duration": song.duration,
        "isVisible": song.is_visible,
        "createdAt": song.created_at,
        "updatedAt": song.updated_at,
        "revision": song.revision,
        **search_fields(song.title, song.artist_name),
        **label_keys(song.genre, song.mood),
        "plays": 0,
        "isDeleted": False,
        "isSent": False,
        "leaseUntil": _LEASED_BY_NOBODY,
    }


def label_keys(genre: str | None, mood: str | None) -> Document:
    """The keys by which genre and mood are compared."""
    return {"genreKey": key_of(genre or ""), "moodKey": key_of(mood or "")}


def _to_change(changes: SongChanges) -> Document:
    document = {_KEYS[name]: value for name, value in changes.items()}
    if "genre" in changes:
        document["genreKey"] = key_of(changes["genre"] or "")
    if "mood" in changes:
        document["moodKey"] = key_of(changes["mood"] or "")
    return document


def to_song(document: Document) -> Song:
    """The song that a document of the collection holds."""
    streaming = document["streamingUrls"]
    return Song(
        **{name: document[_KEYS[name]] for name in DETAILS if _KEYS[name] in document},
        id=str(document["_id"]),
        artist_id=document["artistId"],
        artist_name=document["artistName"],
        image=StoredImage(document["imagePublicId"], document["imageUrl"]),
        audio=StoredAudio(
            document["audioPublicId"],
            document["audioUrl"],
            streaming["low"],
            streaming["medium"],
            streaming["high"],
        ),
        duration=document["duration"],
        is_visible=document["isVisible"],
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        revision=document["revision"],
    )


def _to_entry(document: Document, leased_until: datetime) -> CatalogueEntry:
    song = None if document["isDeleted"] else to_song(document)
    return CatalogueEntry(str(document["_id"]), document["revision"], song, leased_until)
