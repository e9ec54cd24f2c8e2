"""Statistics for artists, and the daily summaries that make them fast."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import structlog

from shared.clock import now
from shared.errors import AppError
from shared.http.pagination import Cursor, Slice
from song_service.domain import PlayCounts, Song
from song_service.library_ports import LikeRepository, PlayStatistics
from song_service.ports import SongFilter, SongRepository
from song_service.schemas import ArtistStatistics, PlaysOnDay, SongStatistics, StatisticsTotals

CLOSED_AFTER = timedelta(minutes=10)
"""After its end a day is summarised: an interaction of 23:59 may be stored a little later."""

ROLL_UP_EVERY_SECONDS = 60.0
_CHUNK = 1000

log = structlog.stdlib.get_logger(__name__)


class Statistics:
    """Figures for artists. Plays, completions, skips and listeners come from the interactions."""

    def __init__(self, songs: SongRepository, likes: LikeRepository, plays: PlayStatistics) -> None:
        self._songs = songs
        self._likes = likes
        self._plays = plays

    async def of_artist(self, artist_id: str, days: int) -> ArtistStatistics:
        """Of the artist's songs, today and the `days` - 1 days before in UTC, most played songs first.

        `likes` are those given in these days and not withdrawn.
        """
        today = now().date()
        first_day = today - timedelta(days=days - 1)
        songs = await self._songs_of(artist_id)
        song_ids = [song.id for song in songs]
        report = await self._plays.report(song_ids, first_day)
        likes = await self._likes.count_by_song(song_ids, _start_of(first_day))
        rows = [
            _row(song, report.by_song.get(song.id, PlayCounts()), likes.get(song.id, 0)) for song in songs
        ]
        all_days = [first_day + timedelta(days=number) for number in range(days)]
        return ArtistStatistics(
            days=days,
            totals=StatisticsTotals(
                plays=sum(row.plays for row in rows),
                completions=sum(row.completions for row in rows),
                skips=sum(row.skips for row in rows),
                listeners=report.listeners,
                likes=sum(row.likes for row in rows),
            ),
            songs=sorted(rows, key=lambda row: -row.plays),
            per_day=[PlaysOnDay(date=str(day), plays=report.plays_by_day.get(day, 0)) for day in all_days],
        )

    async def _songs_of(self, artist_id: str) -> Sequence[Song]:
        wanted, after = SongFilter(artist_id=artist_id), None
        songs: list[Song] = []
        while found := await self._songs.list(wanted, Slice(_CHUNK, after)):
            songs += found
            after = Cursor.of(found[-1])
        return songs


def _row(song: Song, counts: PlayCounts, likes: int) -> SongStatistics:
    return SongStatistics(
        song_id=song.id,
        title=song.title,
        plays=counts.plays,
        completions=counts.completions,
        skips=counts.skips,
        listeners=counts.listeners,
        likes=likes,
    )


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class DailyRollUp:
    """Summarises each day after its end, in the background. Replicas that summarise the same day write the
    same.
    """

    def __init__(self, plays: PlayStatistics, every_seconds: float = ROLL_UP_EVERY_SECONDS) -> None:
        self._plays = plays
        self._every_seconds = every_seconds

    async def roll_up_all(self) -> None:
        """Summarise every day that is over and was not yet."""
        final = (now() - CLOSED_AFTER).date() - timedelta(days=1)
        last = await self._plays.last_rolled_up()
        day = await self._plays.first_day() if last is None else last + timedelta(days=1)
        while day is not None and day <= final:
            await self._plays.roll_up(day)
            day += timedelta(days=1)

    async def _roll_up_forever(self) -> None:
        while True:
            try:
                await self.roll_up_all()
            except AppError as failure:
                log.warning("plays not summarised yet", error=type(failure).__name__)
            except Exception:
                # An internal error must not end the summaries silently.
                log.exception("plays not summarised yet")
            await asyncio.sleep(self._every_seconds)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["DailyRollUp"]:
        """While this is open, days are summarised in the background."""
        task = asyncio.create_task(self._roll_up_forever())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
