"""The outbox for Recombee: pending changes of songs, interactions and likes, delivered at least once.

The queues are in the service's database, so nothing accepted is lost while Recombee or we are down. Replicas
share them by leases. The engine ignores interactions with unknown songs. So a claimed batch of interactions
waits until each of its songs is synced.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from shared import metrics
from shared.clock import now
from shared.errors import AppError
from song_service.caching import Invalidation
from song_service.domain import EngineTimeoutError, Interaction, LikeChange
from song_service.library_ports import LikeRepository
from song_service.ports import InteractionRepository, RecommendationEngine, SongRepository

LEASE = timedelta(seconds=30)
SENT_WITHIN = timedelta(seconds=10)
"""Longer than a batch can take: with less than this left of its lease it is not sent."""

BATCH = 200
LINGER_SECONDS = 0.1
"""The wait before a batch that is not full, so that more entries join it: a batch of one costs as much as one
of twenty.
"""

LONGEST_PAUSE_SECONDS = 60.0
MEASURED_EVERY = timedelta(seconds=5)
"""The interval of measuring while there is always more to send."""

Waiting = TypeVar("Waiting")
Claim = Callable[[datetime, datetime, int], Awaitable[Sequence[Waiting]]]

log = structlog.stdlib.get_logger(__name__)


class _Batches(Generic[Waiting]):
    """The batches of one queue. A failed batch may be sent again while its lease lasts.

    After a timeout the batch size is halved, down to 1, and after each success it is doubled again: otherwise
    the same batch would time out each time.
    """

    def __init__(self, claim: Claim[Waiting]) -> None:
        self._claim = claim
        self._held: Sequence[Waiting] = ()
        self._begin_until = now()
        self._size = BATCH
        self._is_full = False

    async def next(self) -> Sequence[Waiting]:
        """Returns the batch to send now; empty when nothing is pending, or other replicas hold the lease."""
        moment = now()
        if not self._held or moment > self._begin_until:
            self._held = ()
            self._begin_until = moment + LEASE - SENT_WITHIN
            self._held = await self._claim(moment, moment + LEASE, BATCH)
            self._is_full = len(self._held) == BATCH
        return self._held[: self._size]

    def is_in_time(self) -> bool:
        """Whether the lease of the last batch lasts long enough to start sending it."""
        return now() <= self._begin_until

    @property
    def has_more(self) -> bool:
        """Whether more may be pending: some is left of the last claim, or it was full."""
        return bool(self._held) or self._is_full

    def sent(self) -> None:
        """The last batch was sent: drop it, and double the size of batches."""
        self._held = self._held[self._size :]
        self._size = min(self._size * 2, BATCH)

    def timed_out(self) -> None:
        """The last batch timed out: halve the size of batches."""
        self._size = max(1, min(self._size, len(self._held)) // 2)


class Outbox:
    """Sends the queues to the engine, in the background, with growing pauses while the engine is down."""

    def __init__(
        self,
        songs: SongRepository,
        interactions: InteractionRepository,
        likes: LikeRepository,
        engine: RecommendationEngine,
        invalidation: Invalidation,
        poll_seconds: float,
    ) -> None:
        self._songs = songs
        self._interactions = interactions
        self._likes = likes
        self._catalogue_batches = _Batches(songs.claim_unsynced)
        self._interaction_batches = _Batches(interactions.claim_unsynced)
        self._like_batches = _Batches(likes.claim_unsynced)
        self._all_batches = (self._catalogue_batches, self._interaction_batches, self._like_batches)
        self._engine = engine
        self._invalidation = invalidation
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()
        self._is_prepared = False
        self._measured_at = now()

    def wake(self) -> None:
        """Wake the worker: there is something to send."""
        self._woken.set()

    async def send_all(self, linger_seconds: float = 0.0) -> None:
        """Send until all queues are empty, held by other replicas, or waiting for entries that these hold.
        Waits `linger_seconds` where the next batch would not be full.

        Raises:
            UnavailableError: the engine, or the database, is down; what was not sent stays queued.
        """
        if not self._is_prepared:
            await self._engine.prepare()
            self._is_prepared = True
        while await self._send_next():
            if not any(batches.has_more for batches in self._all_batches):
                await asyncio.sleep(linger_seconds)
            if now() >= self._measured_at + MEASURED_EVERY:
                await self._measure()
        await self._measure()

    async def _send_next(self) -> bool:
        """Send a batch of each queue in turn, so that none starves the others."""
        interactions = await self._interaction_batches.next()
        likes = await self._like_batches.next()
        is_sent = await self._send_catalogue()
        # Counted after the claims: until then a new song may have come, and have been played or liked.
        if interactions and await self._are_songs_sent(interactions):
            if self._interaction_batches.is_in_time():
                await self._send_interactions(interactions)
            is_sent = True
        if likes and await self._are_songs_sent(likes):
            if self._like_batches.is_in_time():
                await self._send_likes(likes)
            is_sent = True
        return is_sent

    async def _are_songs_sent(self, waiting: Sequence[Interaction] | Sequence[LikeChange]) -> bool:
        return not await self._songs.count_unsynced({each.song_id for each in waiting})

    async def _send_catalogue(self) -> bool:
        entries = await self._catalogue_batches.next()
        if entries and self._catalogue_batches.is_in_time():
            with _shrinking_after_timeout(self._catalogue_batches):
                await self._engine.send_catalogue(entries)
            await self._invalidation.songs_synced()
            for entry in entries:
                if entry.song is None:  # the engine deletes a song's bookmarks with it
                    await self._likes.remove_of_song(entry.song_id)
            await self._songs.mark_catalogue_synced(entries)
            self._catalogue_batches.sent()
        return bool(entries)

    async def _send_interactions(self, waiting: Sequence[Interaction]) -> None:
        with _shrinking_after_timeout(self._interaction_batches):
            await self._engine.send_interactions(waiting)
        await self._invalidation.interactions_synced({each.user_id for each in waiting})
        await self._interactions.mark_synced(waiting)
        self._interaction_batches.sent()

    async def _send_likes(self, waiting: Sequence[LikeChange]) -> None:
        with _shrinking_after_timeout(self._like_batches):
            await self._engine.send_likes(waiting)
        await self._invalidation.interactions_synced({each.user_id for each in waiting})
        await self._likes.mark_synced(waiting)
        self._like_batches.sent()

    async def _measure(self) -> None:
        metrics.QUEUE_LENGTH.labels("catalogue").set(await self._songs.count_unsynced())
        metrics.QUEUE_LENGTH.labels("interactions").set(await self._interactions.count_unsynced())
        metrics.QUEUE_LENGTH.labels("likes").set(await self._likes.count_unsynced())
        self._measured_at = now()

    async def _send_forever(self) -> None:
        failures = 0
        while True:
            try:
                await self.send_all(LINGER_SECONDS)
            except AppError as failure:
                failures += 1
                log.warning("sync to the engine failed", error=type(failure).__name__, failures=failures)
            except Exception:
                # An internal error must not end the worker silently.
                failures += 1
                log.exception("sync to the engine failed", failures=failures)
            else:
                failures = 0
                await self._wait()
                continue
            await self._measure_anyway()
            await asyncio.sleep(pause_after(failures, self._poll_seconds))

    async def _measure_anyway(self) -> None:
        try:
            await self._measure()
        except AppError:
            log.debug("queues cannot be counted now")
        except Exception:
            # An internal error must not end the worker silently.
            log.exception("queues cannot be counted")

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._woken.wait()
            await asyncio.sleep(LINGER_SECONDS)
        except TimeoutError:
            return  # timed out: poll, another replica may have been killed with its leases
        finally:
            self._woken.clear()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator["Outbox"]:
        """While this is open, the queues are sent in the background."""
        task = asyncio.create_task(self._send_forever())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@contextmanager
def _shrinking_after_timeout(batches: _Batches[Waiting]) -> Iterator[None]:
    try:
        yield
    except EngineTimeoutError:
        batches.timed_out()
        raise


def pause_after(failures: int, poll_seconds: float) -> float:
    """Seconds to the next try: doubled by each failure in a row, with jitter among replicas."""
    pause = min(LONGEST_PAUSE_SECONDS, poll_seconds * 2.0 ** min(failures, 10))
    return pause * random.uniform(0.5, 1)  # noqa: S311 - no secret
