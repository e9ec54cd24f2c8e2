"""Statistics of plays in MongoDB: a summary of each day that is over, and the interactions since.

`plays_per_day` holds the counts of a song on a day; `song_listeners` the last day on which a listener played
a song, from which the number of different listeners since any day follows. Both are computed from
interactions, never incremented, so a repeated or interrupted roll-up leaves them right.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from shared.providers.mongo import ASCENDING, Document, Index, MongoDatabase
from song_service.domain import InteractionKind, PlayCounts, PlayReport

INTERACTION_INDEXES = (
    Index([("songId", ASCENDING), ("at", ASCENDING), ("kind", ASCENDING), ("userId", ASCENDING)]),
)
# Covering indexes: they hold every field of a report, so that MongoDB reads no document.
PER_DAY_INDEXES = (
    Index(
        [
            ("songId", ASCENDING),
            ("day", ASCENDING),
            ("plays", ASCENDING),
            ("completions", ASCENDING),
            ("skips", ASCENDING),
        ]
    ),
)
LISTENER_INDEXES = (
    Index([("songId", ASCENDING), ("lastDay", ASCENDING), ("userId", ASCENDING)]),
    Index([("userId", ASCENDING)]),
)

Entry = TypeVar("Entry")

_STATE = {"_id": "play_statistics"}
_BATCH = 500
_FIELD_OF_KIND = {
    InteractionKind.PLAY.value: "plays",
    InteractionKind.COMPLETE.value: "completions",
    InteractionKind.SKIP.value: "skips",
}


class MongoPlayStatistics:
    """A `PlayStatistics`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._interactions = database.collection("interactions", INTERACTION_INDEXES)
        self._per_day = database.collection("plays_per_day", PER_DAY_INDEXES)
        self._listeners = database.collection("song_listeners", LISTENER_INDEXES)
        self._state = database.collection("roll_ups", ())

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        for each in (self._interactions, self._per_day, self._listeners, self._state):
            await each.ensure_indexes()

    async def last_rolled_up(self) -> date | None:
        state = await self._state.find_one(_STATE)
        return None if state is None else date.fromisoformat(state["lastDay"])

    async def first_day(self) -> date | None:
        found = await self._interactions.find({}, order=[("at", ASCENDING)], limit=1, fields=["at"])
        moment: datetime | None = found[0]["at"] if found else None
        return None if moment is None else moment.date()

    async def roll_up(self, day: date) -> None:
        within: Document = {"at": {"$gte": _start_of(day), "$lt": _start_of(day + timedelta(days=1))}}
        rows = await self._interactions.aggregate(
            [
                {"$match": within},
                {
                    "$group": {
                        "_id": {"song": "$songId", "kind": "$kind", "user": "$userId"},
                        "times": {"$sum": 1},
                    }
                },
            ]
        )
        counts: dict[str, Counter[str]] = {}
        for each in rows:
            of_song = counts.setdefault(each["_id"]["song"], Counter())
            of_song[_FIELD_OF_KIND[each["_id"]["kind"]]] += each["times"]
        per_day: list[tuple[Document, Document]] = [
            ({"_id": f"{song_id}:{day}"}, {"$set": {"songId": song_id, "day": str(day), **_sums(of_song)}})
            for song_id, of_song in counts.items()
        ]
        listeners_of_day: list[tuple[Document, Document]] = [
            (
                {"_id": f"{song_id}:{user_id}"},
                {"$set": {"songId": song_id, "userId": user_id}, "$max": {"lastDay": str(day)}},
            )
            for song_id, user_id in sorted({(row["_id"]["song"], row["_id"]["user"]) for row in rows})
        ]
        for collection, changes in ((self._per_day, per_day), (self._listeners, listeners_of_day)):
            for some in _batches(changes):
                await collection.change_each(some, or_insert=True)
        await self._state.change_one(_STATE, {"$max": {"lastDay": str(day)}}, or_insert=True)

    async def report(self, song_ids: Collection[str], first_day: date) -> PlayReport:
        last = await self.last_rolled_up()
        live = await self._live(song_ids, max(first_day, _day_after(last)))
        sums: dict[str, Counter[str]] = {each: Counter() for each in song_ids}
        by_day: Counter[date] = Counter()
        if last is not None:
            days = {"$gte": str(first_day), "$lte": str(last)}
            for row in await self._summed(song_ids, days, "$songId"):
                sums[row["_id"]].update(_sums(row))
            for row in await self._summed(song_ids, days, "$day"):
                by_day[date.fromisoformat(row["_id"])] += row["plays"]
        for row in live:
            key = row["_id"]
            sums[key["song"]][_FIELD_OF_KIND[key["kind"]]] += row["times"]
            if key["kind"] == InteractionKind.PLAY.value:
                by_day[date.fromisoformat(key["day"])] += row["times"]
        listeners, in_all = await self._count_listeners(
            song_ids, first_day, {(row["_id"]["song"], row["_id"]["user"]) for row in live}
        )
        by_song = {
            song_id: PlayCounts(of["plays"], of["completions"], of["skips"], listeners[song_id])
            for song_id, of in sums.items()
            if of.total()
        }
        return PlayReport(by_song, by_day, in_all)

    async def plays_in_total(self, song_ids: Collection[str]) -> Mapping[str, int]:
        last = await self.last_rolled_up()
        since = {"at": {"$gte": _start_of(_day_after(last))}, "kind": InteractionKind.PLAY.value}
        totals: Counter[str] = Counter()
        counted = await self._interactions.aggregate(
            [
                {"$match": {"songId": {"$in": list(song_ids)}, **since}},
                {"$group": {"_id": "$songId", "plays": {"$sum": 1}}},
            ]
        )
        if last is not None:
            counted += await self._summed(song_ids, {"$lte": str(last)}, "$songId")
        for row in counted:
            totals[row["_id"]] += row["plays"]
        return +totals

    async def played_since(self, moment: datetime) -> Collection[str]:
        played = await self._interactions.aggregate(
            [
                {"$match": {"at": {"$gte": moment}, "kind": InteractionKind.PLAY.value}},
                {"$group": {"_id": "$songId"}},
            ]
        )
        return {row["_id"] for row in played}

    async def remove_listener(self, user_id: str) -> None:
        await self._listeners.remove_many({"userId": user_id})

    async def _live(self, song_ids: Collection[str], first_day: date) -> Sequence[Document]:
        """Counts since `first_day` by song, kind, listener and day, from the interactions themselves."""
        day = {"$dateToString": {"format": "%Y-%m-%d", "date": "$at"}}
        key = {"song": "$songId", "kind": "$kind", "user": "$userId", "day": day}
        return await self._interactions.aggregate(
            [
                {"$match": {"songId": {"$in": list(song_ids)}, "at": {"$gte": _start_of(first_day)}}},
                {"$group": {"_id": key, "times": {"$sum": 1}}},
            ]
        )

    async def _summed(self, song_ids: Collection[str], days: Document, key: str) -> list[Document]:
        sums = {field: {"$sum": f"${field}"} for field in _FIELD_OF_KIND.values()}
        return await self._per_day.aggregate(
            [{"$match": {"songId": {"$in": list(song_ids)}, "day": days}}, {"$group": {"_id": key, **sums}}]
        )

    async def _count_listeners(
        self, song_ids: Collection[str], first_day: date, live: Collection[tuple[str, str]]
    ) -> tuple[Mapping[str, int], int]:
        """Different listeners of each song, and of all: those of summarised days, and the `live` ones."""
        earlier: Document = {"songId": {"$in": list(song_ids)}, "lastDay": {"$gte": str(first_day)}}
        by_song: Counter[str] = Counter()
        for row in await self._listeners.aggregate(
            [{"$match": earlier}, {"$group": {"_id": "$songId", "listeners": {"$sum": 1}}}]
        ):
            by_song[row["_id"]] = row["listeners"]
        distinct: list[Document] = [
            {"$group": {"_id": "$userId"}},
            {"$group": {"_id": None, "listeners": {"$sum": 1}}},
        ]
        total = await self._listeners.aggregate([{"$match": earlier}, *distinct])
        live_users = {user_id for _, user_id in live}
        known_pairs: set[tuple[str, str]] = set()
        for users in _batches(sorted(live_users)):
            found = await self._listeners.find(
                {**earlier, "userId": {"$in": users}}, fields=["songId", "userId"]
            )
            known_pairs |= {(each["songId"], each["userId"]) for each in found}
        by_song.update(song_id for song_id, _ in set(live) - known_pairs)
        new_users = live_users - {user_id for _, user_id in known_pairs}
        return by_song, (total[0]["listeners"] if total else 0) + len(new_users)


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _day_after(last: date | None) -> date:
    return date(1970, 1, 1) if last is None else last + timedelta(days=1)


def _sums(counts: Mapping[str, int]) -> Mapping[str, int]:
    return {field: counts.get(field, 0) for field in _FIELD_OF_KIND.values()}


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    return (entries[start : start + _BATCH] for start in range(0, len(entries), _BATCH))
