"""Statistics of plays in SQLite: a summary of each day that is over, and the interactions since."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta

from embedded.sqlite.database import SqliteDatabase, Value
from shared.clock import from_millis, to_millis
from song_service.domain import InteractionKind, PlayCounts, PlayReport

_DAY = "date(at / 1000, 'unixepoch')"
_COUNTS = ", ".join(
    f"sum(kind = '{kind.value}') AS {column}"
    for kind, column in (
        (InteractionKind.PLAY, "plays"),
        (InteractionKind.COMPLETE, "completions"),
        (InteractionKind.SKIP, "skips"),
    )
)
_SONGS = "song_id IN (SELECT value FROM json_each(:song_ids))"
_OF_DAY = f"""
    SELECT song_id, {_COUNTS} FROM interactions INDEXED BY interactions_played
    WHERE at >= :start AND at < :end GROUP BY song_id
"""  # noqa: S608 - put together from constants
_LISTENERS_OF_DAY = """
    SELECT DISTINCT song_id, user_id FROM interactions WHERE at >= :start AND at < :end
"""
_STORE_COUNTS = """
    INSERT INTO plays_per_day (song_id, day, plays, completions, skips)
    SELECT json_extract(value, '$[0]'), :day, json_extract(value, '$[1]'), json_extract(value, '$[2]'),
           json_extract(value, '$[3]')
    FROM json_each(:rows) WHERE true
    ON CONFLICT (song_id, day) DO UPDATE SET
        plays = excluded.plays, completions = excluded.completions, skips = excluded.skips
"""
_STORE_LISTENERS = """
    INSERT INTO song_listeners (song_id, user_id, last_day)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), :day FROM json_each(:rows) WHERE true
    ON CONFLICT (song_id, user_id) DO UPDATE SET last_day = max(last_day, excluded.last_day)
"""
_STORE_LAST_DAY = """
    INSERT INTO roll_ups (name, last_day) VALUES ('play_statistics', :day)
    ON CONFLICT (name) DO UPDATE SET last_day = max(last_day, excluded.last_day)
"""
# Summaries up to :last_day, and the interactions since :live.
_BY_SONG = f"""
    SELECT song_id, sum(plays) AS plays, sum(completions) AS completions, sum(skips) AS skips FROM (
        SELECT song_id, plays, completions, skips FROM plays_per_day
        WHERE {_SONGS} AND day BETWEEN :first_day AND :last_day
        UNION ALL
        SELECT song_id, {_COUNTS} FROM interactions WHERE {_SONGS} AND at >= :live GROUP BY song_id
    ) GROUP BY song_id
"""  # noqa: S608 - put together from constants
_BY_DAY = f"""
    SELECT day, sum(plays) AS plays FROM (
        SELECT day, plays FROM plays_per_day WHERE {_SONGS} AND day BETWEEN :first_day AND :last_day
        UNION ALL
        SELECT {_DAY} AS day, count(*) AS plays FROM interactions
        WHERE {_SONGS} AND at >= :live AND kind = '{InteractionKind.PLAY.value}' GROUP BY {_DAY}
    ) GROUP BY day
"""  # noqa: S608 - put together from constants
_EARLIER = f"song_listeners WHERE {_SONGS} AND last_day >= :first_day"
_LIVE_PAIRS = f"SELECT DISTINCT song_id, user_id FROM interactions WHERE {_SONGS} AND at >= :live"  # noqa: S608
# Summaries are counted directly; only later listeners are compared with them, one by one.
_LISTENERS_BY_SONG = f"""
    SELECT song_id, count(*) AS listeners FROM {_EARLIER} GROUP BY song_id
    UNION ALL
    SELECT song_id, count(*) AS listeners FROM ({_LIVE_PAIRS}) AS live
    WHERE NOT EXISTS (
        SELECT 1 FROM song_listeners AS earlier
        WHERE earlier.song_id = live.song_id AND earlier.user_id = live.user_id
        AND earlier.last_day >= :first_day
    ) GROUP BY song_id
"""  # noqa: S608 - put together from constants
_LISTENERS = f"""
    SELECT (SELECT count(DISTINCT user_id) FROM {_EARLIER}) + (
        SELECT count(DISTINCT user_id) FROM ({_LIVE_PAIRS}) AS live
        WHERE NOT EXISTS (
            SELECT 1 FROM song_listeners AS earlier
            WHERE earlier.user_id = live.user_id AND earlier.{_SONGS} AND earlier.last_day >= :first_day
        )
    )
"""  # noqa: S608 - put together from constants
_IN_TOTAL = f"""
    SELECT song_id, sum(plays) AS plays FROM (
        SELECT song_id, plays FROM plays_per_day WHERE {_SONGS} AND day <= :last_day
        UNION ALL
        SELECT song_id, count(*) AS plays FROM interactions
        WHERE {_SONGS} AND at >= :live AND kind = '{InteractionKind.PLAY.value}' GROUP BY song_id
    ) GROUP BY song_id HAVING sum(plays) > 0
"""  # noqa: S608 - put together from constants
_PLAYED_SINCE = f"""
    SELECT DISTINCT song_id FROM interactions INDEXED BY interactions_played
    WHERE at >= :since AND kind = '{InteractionKind.PLAY.value}'
"""  # noqa: S608 - put together from constants
_BATCH = 500
_NO_DAY = "0000-00-00"


class SqlitePlayStatistics:
    """A `PlayStatistics`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def last_rolled_up(self) -> date | None:
        rows = await self._database.read("SELECT last_day FROM roll_ups WHERE name = 'play_statistics'")
        return date.fromisoformat(rows[0]["last_day"]) if rows else None

    async def first_day(self) -> date | None:
        rows = await self._database.read("SELECT min(at) AS first FROM interactions")
        first = rows[0]["first"]
        return None if first is None else from_millis(first).date()

    async def roll_up(self, day: date) -> None:
        within = {"start": _start_of(day), "end": _start_of(day + timedelta(days=1))}
        # Read first, then written in small pieces: tracking a play never waits for a whole day's summary.
        counts = [tuple(row) for row in await self._database.read(_OF_DAY, within)]
        pairs = [tuple(row) for row in await self._database.read(_LISTENERS_OF_DAY, within)]
        for statement, rows in ((_STORE_COUNTS, counts), (_STORE_LISTENERS, pairs)):
            for start in range(0, len(rows), _BATCH):
                some = json.dumps(rows[start : start + _BATCH])
                await self._database.write(statement, {"day": str(day), "rows": some})
        await self._database.write(_STORE_LAST_DAY, {"day": str(day)})

    async def report(self, song_ids: Collection[str], first_day: date) -> PlayReport:
        last = await self.last_rolled_up()
        values: dict[str, Value] = {
            "song_ids": json.dumps(list(song_ids)),
            "first_day": str(first_day),
            "last_day": str(last) if last else _NO_DAY,
            "live": _start_of(max(first_day, _day_after(last))),
        }
        listeners: Counter[str] = Counter()
        for row in await self._database.read(_LISTENERS_BY_SONG, values):
            listeners[row["song_id"]] += row["listeners"]
        by_song = {
            row["song_id"]: PlayCounts(
                row["plays"], row["completions"], row["skips"], listeners[row["song_id"]]
            )
            for row in await self._database.read(_BY_SONG, values)
        }
        by_day = {
            date.fromisoformat(row["day"]): row["plays"] for row in await self._database.read(_BY_DAY, values)
        }
        in_all = await self._database.read(_LISTENERS, values)
        return PlayReport(by_song, {day: plays for day, plays in by_day.items() if plays}, int(in_all[0][0]))

    async def plays_in_total(self, song_ids: Collection[str]) -> Mapping[str, int]:
        last = await self.last_rolled_up()
        values: dict[str, Value] = {
            "song_ids": json.dumps(list(song_ids)),
            "last_day": str(last) if last else _NO_DAY,
            "live": _start_of(_day_after(last)),
        }
        return {row["song_id"]: row["plays"] for row in await self._database.read(_IN_TOTAL, values)}

    async def played_since(self, moment: datetime) -> Collection[str]:
        rows = await self._database.read(_PLAYED_SINCE, {"since": to_millis(moment)})
        return {row["song_id"] for row in rows}

    async def remove_listener(self, user_id: str) -> None:
        await self._database.write(
            "DELETE FROM song_listeners WHERE user_id = :user_id", {"user_id": user_id}
        )


def _start_of(day: date) -> int:
    return to_millis(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _day_after(last: date | None) -> date:
    return date(1970, 1, 1) if last is None else last + timedelta(days=1)
