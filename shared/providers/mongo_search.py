"""Searching a MongoDB collection by the beginnings of words, without Atlas Search.

Each document carries `titleKey`, `titleWords` and `words` (shared/search.py), and the collection an index of
`words` behind the fields of `listed`. A query that few documents match is ranked here; one that many match is
read in the order of its ranks from indexes, so that `limit` documents are read and not all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from shared.clock import from_millis, to_millis
from shared.http.pagination import Cursor
from shared.http.sorting import Found, Position, SortedSlice, Value
from shared.providers.mongo import (
    ASCENDING,
    DESCENDING,
    NEWEST_FIRST,
    Collection,
    Document,
    Index,
    Order,
    Query,
    id_of,
)
from shared.search import SearchTerms, key_of, words_of
from shared.search_upkeep import ChangedWords

CANDIDATES = 500
"""The most matches that are ranked here."""

SEARCH_VERSION = 1
"""The version of the search fields; those of older versions are recomputed."""

NOT_INDEXED: Query = {"searchVersion": {"$in": [None, *range(SEARCH_VERSION)]}}

_OLDEST_CHANGE_FIRST = (("updatedAt", ASCENDING), ("_id", ASCENDING))
_LAST = "\U0010ffff"
_EXACT, _PREFIX, _IN_TITLE, _OTHER = range(4)


def search_fields(title: str, by: str) -> Document:
    """The search fields of a document with this title by this person."""
    return {
        "titleKey": key_of(title),
        "titleWords": list(words_of(title)),
        "byKey": key_of(by),
        "words": list(words_of(title, by)),
        "searchVersion": SEARCH_VERSION,
    }


def search_indexes(listed: Sequence[str], ties: Order) -> Sequence[Index]:
    """The indexes that `MongoSearch` uses; `listed` are the fields of its `listed`."""
    first = [(field, DESCENDING) for field in listed]
    by_rank = [*ties, ("_id", DESCENDING)]
    return (
        Index([*first, ("words", ASCENDING)]),
        Index([*first, ("titleKey", ASCENDING), *by_rank]),
        Index([*first, ("titleKey", ASCENDING), ("_id", ASCENDING)]),
        Index([*first, ("byKey", ASCENDING), ("_id", ASCENDING)]),
        Index([("searchVersion", ASCENDING)]),
        Index([*first, *_OLDEST_CHANGE_FIRST]),
    )


class MongoSearch:
    """Searches the documents of a collection that match `listed`; ties in rank are ordered by `ties`."""

    def __init__(self, documents: Collection, listed: Query, ties: Order) -> None:
        self._documents = documents
        self._listed = listed
        self._ties = ties

    async def find(
        self, filters: Query, terms: SearchTerms | None, order: Order | None, part: SortedSlice
    ) -> list[Found[Document]]:
        """Matches in this order; without one, those of terms best first, others newest first."""
        if order is None and terms is not None:
            return await self._ranked(filters, terms, part)
        return await self._sorted_by(filters, terms, order or NEWEST_FIRST, part)

    async def _sorted_by(
        self, filters: Query, terms: SearchTerms | None, order: Order, part: SortedSlice
    ) -> list[Found[Document]]:
        query = self._matching(filters, terms)
        if order[0][0] in ("titleKey", "byKey"):
            query = {"$and": [query, {order[0][0]: {"$gte": ""}}]}  # not those that are not indexed yet
        if part.after is not None:
            query = {"$and": [query, _after(order, part.after)]}
        documents = await self._documents.find(query, order=order, limit=part.limit)
        return [Found(each, _position(each, order)) for each in documents]

    async def _ranked(self, filters: Query, terms: SearchTerms, part: SortedSlice) -> list[Found[Document]]:
        """Matches, best first: exact title, prefix of the title, all words in the title, others."""
        ties = [field for field, _ in self._ties]
        candidates = await self._documents.find(
            self._matching(filters, terms),
            limit=CANDIDATES + 1,
            fields=["titleKey", "titleWords", *ties],
        )
        if len(candidates) > CANDIDATES:
            return await self._ranked_by_index(filters, terms, part)
        positions = [self._position(each, rank_of(each, terms)) for each in candidates]
        positions.sort(key=_best_first)
        if part.after is not None:
            last = _best_first(part.after)
            positions = [each for each in positions if _best_first(each) > last]
        chosen = positions[: part.limit]
        found = await self._documents.find({"_id": {"$in": [id_of(each.id) for each in chosen]}})
        by_id = {str(each["_id"]): each for each in found}
        return [Found(by_id[each.id], each) for each in chosen if each.id in by_id]

    async def count(self, filters: Query, terms: SearchTerms | None) -> int:
        """The number of matching documents."""
        return await self._documents.count(self._matching(filters, terms))

    async def index_next(
        self, limit: int, sources: Sequence[str], fields_of: Callable[[Document], Document]
    ) -> Sequence[str]:
        """Index at most `limit` documents that are not indexed; `fields_of` computes the fields from
        `sources`.
        """
        found = await self._documents.find(NOT_INDEXED, limit=limit, fields=sources)
        # A concurrent change of a source also updates its search fields.
        await self._documents.change_each([(each, {"$set": fields_of(each)}) for each in found])
        return [str(each["_id"]) for each in found]

    async def changed_words(self, after: Cursor | None, limit: int) -> Sequence[ChangedWords]:
        """See `Searchable`."""
        query: Document = {**self._listed, "words": {"$exists": True}}
        if after is not None:
            later = [{"updatedAt": {"$gt": after.created_at}}, {"_id": {"$gt": id_of(after.id)}}]
            query |= {"updatedAt": {"$gte": after.created_at}, "$or": later}
        found = await self._documents.find(
            query, order=_OLDEST_CHANGE_FIRST, limit=limit, fields=["words", "updatedAt"]
        )
        return [
            ChangedWords(tuple(each["words"]), Cursor(each["updatedAt"], str(each["_id"]))) for each in found
        ]

    def _matching(self, filters: Query, terms: SearchTerms | None) -> Document:
        words = list(_begin_with("words", terms)) if terms else []
        return {**self._listed, **filters, **({"$and": words} if words else {})}

    async def _ranked_by_index(
        self, filters: Query, terms: SearchTerms, part: SortedSlice
    ) -> list[Found[Document]]:
        """Reads rank by rank, each in the order of an index, until there are enough."""
        order = [*self._ties, ("_id", DESCENDING)]
        found: list[Found[Document]] = []
        first_rank = _EXACT if part.after is None else int(part.after.values[0])
        for rank in range(first_rank, _OTHER + 1):
            query: Document = {"$and": [{**self._listed, **filters}, *_of_rank(rank, terms)]}
            if part.after is not None and rank == first_rank:
                query["$and"].append(_after(order, Position(part.after.values[1:], part.after.id)))
            documents = await self._documents.find(query, order=order, limit=part.limit - len(found))
            found += [Found(each, self._position(each, rank)) for each in documents]
            if len(found) >= part.limit:
                break
        return found

    def _position(self, document: Document, rank: int) -> Position:
        position = _position(document, [*self._ties, ("_id", DESCENDING)])
        return Position((rank, *position.values), position.id)


def rank_of(document: Document, terms: SearchTerms) -> int:
    """The rank of a matching document; 0 is best."""
    if document["titleKey"] == terms.key:
        return _EXACT
    if document["titleKey"].startswith(terms.key):
        return _PREFIX
    title_words: list[str] = document["titleWords"]
    in_title = all(any(each.startswith(word) for each in title_words) for word in terms.words)
    return _IN_TITLE if in_title else _OTHER


def _of_rank(rank: int, terms: SearchTerms) -> Sequence[Query]:
    begins_with_key = {"$gte": terms.key, "$lt": terms.key + _LAST}
    otherwise: Query = {"$or": [{"titleKey": {"$lt": terms.key}}, {"titleKey": {"$gte": terms.key + _LAST}}]}
    in_title = list(_begin_with("titleWords", terms))
    if rank == _EXACT:
        return [{"titleKey": terms.key}]
    if rank == _PREFIX:
        return [{"titleKey": begins_with_key}, {"titleKey": {"$ne": terms.key}}]
    if rank == _IN_TITLE:
        return [*in_title, otherwise]
    return [*_begin_with("words", terms), {"$nor": [{"$and": in_title}]}, otherwise]


def _begin_with(field: str, terms: SearchTerms) -> Iterator[Query]:
    """Conditions: each word is a prefix of an element of the array. One element has to match both bounds."""
    for word in terms.words:
        yield {field: {"$elemMatch": {"$gte": word, "$lt": word + _LAST}}}


def _after(order: Order, last: Position) -> Query:
    """The documents after `last` in `order`, whose last field is `_id`."""
    bounds = [_bound(field, value) for (field, _), value in zip(order, (*last.values, last.id), strict=True)]
    later: list[Document] = []
    equal: Document = {}
    for (field, direction), bound in zip(order, bounds, strict=True):
        later.append({**equal, field: {"$gt" if direction == ASCENDING else "$lt": bound}})
        equal[field] = bound
    field, direction = order[0]
    # The first condition gives the index its bound; the second separates those of the same value.
    return {field: {"$gte" if direction == ASCENDING else "$lte": bounds[0]}, "$or": later}


def _bound(field: str, value: Value) -> object:
    if field == "_id":
        return id_of(str(value))
    return from_millis(int(value)) if field == "createdAt" else value


def _position(document: Mapping[str, object], order: Order) -> Position:
    values = [document[field] for field, _ in order if field != "_id"]
    return Position(tuple(map(_as_value, values)), str(document["_id"]))


def _as_value(stored: object) -> Value:
    if isinstance(stored, datetime):
        return to_millis(stored)
    assert isinstance(stored, int | str)  # noqa: S101 - the sort values
    return stored


def _best_first(position: Position) -> tuple[int, ...]:
    """Ranks ascending, then ties descending."""
    rank, *ties = (int(value) for value in position.values)
    return (rank, *(-each for each in ties), -int(position.id, 16))
