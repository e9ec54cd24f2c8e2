"""Searching a table of SQLite by the beginnings of words, with FTS5.

The table has `title_key`, `title_words`, `by_key`, `by_words` (shared/search.py) and an FTS5 table of both
columns of words, kept by triggers, with the rows that everybody may see. A query that few rows match is
ranked by sorting them; one that many match is read in the order of its ranks from indexes until there are
enough.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from embedded.sqlite import statements
from embedded.sqlite.database import SqliteDatabase, Value
from embedded.sqlite.search_terms import each_word, match, word_values
from shared.clock import from_millis, to_millis
from shared.http.pagination import Cursor
from shared.http.sorting import Found, Position, SortedSlice
from shared.search import LONGEST_KEY, SearchTerms, key_of, words_of
from shared.search_upkeep import ChangedWords

CANDIDATES = 400
"""The most matches that are ranked by sorting."""

SEARCH_VERSION = 1
"""The version of the search columns; those of older versions are recomputed."""

_EXACT, _PREFIX, _IN_TITLE, _OTHER = range(4)
_LAST = "\U0010ffff"
Order = Sequence[tuple[str, str]]
"""Columns with ASC or DESC, but for the id, which comes last in the direction of the first."""

NEWEST_FIRST: Order = [("created_at", "DESC")]


def search_columns(title: str, by: str) -> dict[str, Value]:
    """The search columns of a row with this title by this person. Each word follows a blank."""
    return {
        "title_key": key_of(title),
        "title_words": _spaced(words_of(title)),
        "by_key": key_of(by),
        "by_words": _spaced(words_of(by)),
        "search_version": SEARCH_VERSION,
    }


def _spaced(words: Sequence[str]) -> str:
    return "".join(f" {word}" for word in words)


@dataclass(frozen=True, slots=True)
class SearchedTable:
    """Names: the table, its FTS5 table, the columns to read, what is listed, and the order in one rank.

    `popular` is the index of listed rows in that order, `titles` that of their titles in that order.
    """

    table: str
    words: str
    columns: str
    listed: str
    ties: Order
    popular: str
    titles: str


@dataclass(frozen=True, slots=True)
class Filters:
    """SQL conditions, with the values bound in them. `is_selective`: few rows meet them."""

    conditions: Sequence[str] = ()
    values: Mapping[str, Value] = field(default_factory=dict)
    is_selective: bool = False


class SqliteSearch:
    """Searches the listed rows of one table."""

    def __init__(self, database: SqliteDatabase, names: SearchedTable) -> None:
        self._database = database
        self._names = names

    async def find(
        self, filters: Filters, terms: SearchTerms | None, order: Order | None, part: SortedSlice
    ) -> list[Found[sqlite3.Row]]:
        """Matches in this order; without one, those of terms best first, others newest first."""
        if order is None and terms is not None:
            return await self._ranked(filters, terms, part)
        return await self._sorted_by(filters, terms, order or NEWEST_FIRST, part)

    async def _sorted_by(
        self, filters: Filters, terms: SearchTerms | None, order: Order, part: SortedSlice
    ) -> list[Found[sqlite3.Row]]:
        wanted, bound = [self._names.listed, *filters.conditions], dict(filters.values)
        if terms is not None:
            is_walk = not filters.is_selective and await self._matches_many("", terms)
            wanted += each_word("title_words || by_words", terms) if is_walk else [self._matching]
            bound |= word_values(terms)
        rows = await self._page(wanted, bound, order, part)
        return [Found(row, _position(row, order)) for row in rows]

    async def _ranked(
        self, filters: Filters, terms: SearchTerms, part: SortedSlice
    ) -> list[Found[sqlite3.Row]]:
        """Matches, best first: exact title, prefix of the title, all words in the title, others."""
        is_short = not filters.is_selective and len(terms.key) < LONGEST_KEY
        if is_short and await self._matches_many("", terms):
            return await self._ranked_by_index(filters, terms, part)
        rank = f"""CASE WHEN title_key = :key THEN {_EXACT}
            WHEN substr(title_key, 1, length(:key)) = :key THEN {_PREFIX}
            WHEN {" AND ".join(each_word("title_words", terms))} THEN {_IN_TITLE} ELSE {_OTHER} END"""
        order = [(f"-({rank})", "DESC"), *self._names.ties]
        after = part.after and Position((-int(part.after.values[0]), *part.after.values[1:]), part.after.id)
        wanted = [self._names.listed, *filters.conditions, self._matching]
        # Only the best rows are read completely.
        best, bounds = self._statement(
            f"rowid AS best_rowid, {rank} AS rank_class", wanted, order, SortedSlice(part.limit, after), None
        )
        table = self._names.table
        statement = f"""
            SELECT {self._columns}, rank_class FROM ({best}) JOIN {table} ON {table}.rowid = best_rowid
        """  # noqa: S608 - names of ours
        rows = await self._database.read(statement, {**filters.values, **word_values(terms), **bounds})
        found = [Found(row, self._ranked_position(row, row["rank_class"])) for row in rows]
        return sorted(found, key=lambda each: _best_first(each.position))

    async def count(self, filters: Filters, terms: SearchTerms | None) -> int:
        """The number of matching rows."""
        if terms is not None and not filters.conditions:
            statement = f"SELECT count(*) FROM {self._names.words} WHERE {self._names.words} MATCH :match"  # noqa: S608 - names of ours
            rows = await self._database.read(statement, {"match": match(terms)})
            return int(rows[0][0])
        wanted = [self._names.listed, *filters.conditions, *([self._matching] if terms else [])]
        statement = f"SELECT count(*) FROM {self._names.table} WHERE {' AND '.join(wanted)}"  # noqa: S608 - names of ours
        bound = {**filters.values, **(word_values(terms) if terms else {})}
        rows = await self._database.read(statement, bound)
        return int(rows[0][0])

    async def index_next(
        self,
        limit: int,
        sources: Sequence[str],
        columns_of: Callable[[sqlite3.Row], Mapping[str, Value]],
    ) -> Sequence[str]:
        """Index at most `limit` rows that are not; `columns_of` makes the columns from the `sources`."""
        table = self._names.table
        statement = f"""
            SELECT id, {", ".join(sources)} FROM {table} WHERE search_version < {SEARCH_VERSION} LIMIT :limit
        """  # noqa: S608 - names of ours
        rows = await self._database.read(statement, {"limit": limit})
        if not rows:
            return []
        found = [
            {"id": row["id"], **{each: row[each] for each in sources}, **columns_of(row)} for row in rows
        ]
        changes = ", ".join(f"{name} = {_found(name)}" for name in columns_of(rows[0]))
        # A concurrent change of a source also updates its search columns.
        unchanged = " AND ".join(f"{table}.{each} IS {_found(each)}" for each in sources)
        await self._database.write(
            f"""
            WITH found AS (SELECT json_extract(value, '$.id') AS id, value FROM json_each(:found))
            UPDATE {table} SET {changes} FROM found WHERE {table}.id = found.id AND {unchanged}
            """,  # noqa: S608 - names of ours
            {"found": json.dumps(found)},
        )
        return [row["id"] for row in rows]

    async def changed_words(self, after: Cursor | None, limit: int) -> Sequence[ChangedWords]:
        """See `Searchable`."""
        conditions, values = [self._names.listed], dict[str, Value]({"limit": limit})
        if after is not None:
            conditions.append("(updated_at, id) > (:after_at, :after_id)")
            values |= {"after_at": to_millis(after.created_at), "after_id": after.id}
        statement = statements.select(
            "id, updated_at, title_words || by_words AS words",
            self._names.table,
            conditions,
            "ORDER BY updated_at, id LIMIT :limit",
        )
        return [
            ChangedWords(tuple(row["words"].split()), Cursor(from_millis(row["updated_at"]), row["id"]))
            for row in await self._database.read(statement, values)
        ]

    @property
    def _matching(self) -> str:
        words = self._names.words
        return f"rowid IN (SELECT rowid FROM {words} WHERE {words} MATCH :match)"  # noqa: S608 - names of ours

    async def _matches_many(self, column: str, terms: SearchTerms) -> bool:
        words = self._names.words
        statement = f"""
            SELECT count(*) FROM (SELECT rowid FROM {words} WHERE {words} MATCH :match LIMIT {CANDIDATES + 1})
        """  # noqa: S608 - names of ours
        rows = await self._database.read(statement, {"match": match(terms, column)})
        return int(rows[0][0]) > CANDIDATES

    async def _ranked_by_index(
        self, filters: Filters, terms: SearchTerms, part: SortedSlice
    ) -> list[Found[sqlite3.Row]]:
        """Reads rank by rank, each in the order of an index, until there are enough."""
        found: list[Found[sqlite3.Row]] = []
        first_rank = _EXACT if part.after is None else int(part.after.values[0])
        for rank in range(first_rank, _OTHER + 1):
            after = None
            if part.after is not None and rank == first_rank:
                after = Position(part.after.values[1:], part.after.id)
            rest = SortedSlice(part.limit - len(found), after)
            wanted, index = await self._of_rank(rank, terms)
            bound = {**filters.values, **word_values(terms), "key_end": terms.key + _LAST}
            if rank == _IN_TITLE and index is None:
                bound["match"] = match(terms, "title_words")
            ordered = [self._names.listed, *filters.conditions, *wanted]
            rows = await self._page(ordered, bound, self._names.ties, rest, index=index)
            found += [Found(row, self._ranked_position(row, rank)) for row in rows]
            if len(found) >= part.limit:
                break
        return found

    async def _of_rank(self, rank: int, terms: SearchTerms) -> tuple[Sequence[str], str | None]:
        """The conditions of a rank, and the index to read its rows by; None: that of the words."""
        names = self._names
        in_title = each_word("title_words", terms)
        begins = "title_key > :key AND title_key < :key_end"
        otherwise = "NOT (title_key >= :key AND title_key < :key_end)"
        if rank == _EXACT:
            return ["title_key = :key"], names.titles
        if rank == _PREFIX:
            return [begins], names.popular if await self._begin_many(begins, terms) else names.titles
        if rank == _IN_TITLE:
            if await self._matches_many("title_words", terms):
                return [*in_title, otherwise], names.popular
            return [self._matching, otherwise], None
        any_column = each_word("title_words || by_words", terms)
        return [*any_column, f"NOT ({' AND '.join(in_title)})", otherwise], names.popular

    async def _begin_many(self, begins: str, terms: SearchTerms) -> bool:
        some = f"SELECT 1 FROM {self._names.table} INDEXED BY {self._names.titles}"  # noqa: S608 - names of ours
        statement = f"""
            SELECT count(*) FROM ({some} WHERE {self._names.listed} AND {begins} LIMIT {CANDIDATES + 1})
        """  # noqa: S608 - names of ours
        rows = await self._database.read(statement, {"key": terms.key, "key_end": terms.key + _LAST})
        return int(rows[0][0]) > CANDIDATES

    @property
    def _columns(self) -> str:
        """What is read of a row; names are those of the table, for it may be joined."""
        return f"{self._names.columns}, title_key, by_key{_tie_columns(self._names)}"

    async def _page(
        self,
        wanted: Sequence[str],
        bound: Mapping[str, Value],
        order: Order,
        part: SortedSlice,
        *,
        index: str | None = None,
    ) -> list[sqlite3.Row]:
        statement, values = self._statement(self._columns, wanted, order, part, index)
        return await self._database.read(statement, {**bound, **values})

    def _statement(
        self, columns: str, wanted: Sequence[str], order: Order, part: SortedSlice, index: str | None
    ) -> tuple[str, dict[str, Value]]:
        conditions, values = list(wanted), dict[str, Value]({"limit": part.limit})
        if part.after is not None:
            compared = [*(column for column, _ in order), "id"]
            names = [f"after_{number}" for number in range(len(compared))]
            sign = "<" if order[0][1] == "DESC" else ">"
            conditions.append(f"({', '.join(compared)}) {sign} ({', '.join(f':{name}' for name in names)})")
            values |= zip(names, (*part.after.values, part.after.id), strict=True)
        ordered = ", ".join(f"{column} {direction}" for column, direction in [*order, ("id", order[0][1])])
        table = f"{self._names.table} INDEXED BY {index}" if index else self._names.table
        where = " AND ".join(conditions)
        return f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {ordered} LIMIT :limit", values  # noqa: S608 - names of ours

    def _ranked_position(self, row: sqlite3.Row, rank: int) -> Position:
        position = _position(row, self._names.ties)
        return Position((rank, *position.values), position.id)


def _found(name: str) -> str:
    return f"json_extract(found.value, '$.{name}')"


def _tie_columns(names: SearchedTable) -> str:
    return "".join(f", {column}" for column, _ in names.ties if column not in names.columns)


def _position(row: sqlite3.Row, order: Order) -> Position:
    return Position(tuple(row[column] for column, _ in order), row["id"])


def _best_first(position: Position) -> tuple[int, ...]:
    """Ranks ascending, then ties descending."""
    rank, *ties = (int(value) for value in position.values)
    return (rank, *(-each for each in ties), -int(position.id, 16))
