"""Media that nobody wants in the end are removed, however the upload or the process ended.

A note is written before a medium is stored and taken back when its document is. Whatever note falls due is
followed, but only after asking whether the medium is in use after all: a note is a reminder, not an order.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from shared.clock import now
from shared.errors import AppError
from shared.ports import MediaCleanups, MediaRef, MediaStore

InUse = Callable[[MediaRef], Awaitable[bool]]

RETRY_AFTER = timedelta(seconds=30)
LEASE = timedelta(minutes=5)
BATCH = 50

REMOVED_NOW_SECONDS = 5.0
"""How long whoever causes a removal waits for it, even when the store hangs for longer."""

log = structlog.stdlib.get_logger(__name__)


class MediaKeeper:
    """The notes of one service, and the work of following them."""

    def __init__(self, notes: MediaCleanups, store: MediaStore, in_use: InUse) -> None:
        self._notes = notes
        self._store = store
        self._in_use = in_use

    async def begin(self, media: Sequence[MediaRef], at_most: timedelta) -> None:
        """Before these are stored, or taken from their document: whoever does it has `at_most` to finish.

        Raises:
            UnavailableError: it cannot be noted now.
        """
        await self._notes.plan(media, now() + at_most)

    async def keep(self, media: Sequence[MediaRef]) -> None:
        """Their document is stored. Never raises: a note that stays is found wrong when it falls due."""
        try:
            await self._notes.keep(media)
        except AppError as failure:
            log.warning("note of media stays", error=type(failure).__name__)

    async def discard(self, media: Sequence[MediaRef]) -> None:
        """Remove these now, or soon when the store is down or slow. Never raises."""
        for removed in await self._destroy(media):
            await self.keep([removed])

    async def abandon(self, media: Sequence[MediaRef]) -> None:
        """Storing these failed: remove what arrived of them, now or soon. Never raises.

        Their notes stand, for what is still on its way to the store: a request that ran out of time may
        yet succeed.
        """
        await self._destroy(media)

    async def _destroy(self, media: Sequence[MediaRef]) -> Sequence[MediaRef]:
        """Those that are gone; there is a reminder of the others."""
        gone = await asyncio.gather(*(self._is_destroyed(each) for each in media))
        return [each for each, is_gone in zip(media, gone, strict=True) if is_gone]

    async def _is_destroyed(self, media: MediaRef) -> bool:
        try:
            async with asyncio.timeout(REMOVED_NOW_SECONDS):
                await self._store.destroy(media)
        except (AppError, TimeoutError) as failure:
            log.warning("media removed later", media=media.public_id, error=type(failure).__name__)
            await self._remind(media)
            return False
        return True

    async def _remind(self, media: MediaRef) -> None:
        try:
            await self._notes.plan([media], now() + RETRY_AFTER)
        except AppError as failure:
            log.warning("earlier note of media stands", error=type(failure).__name__)

    async def follow_due_notes(self) -> int:
        """Remove what is due and not in use; answers how many notes were followed."""
        due = await self._notes.claim_due(now(), now() + LEASE, BATCH)
        for each in due:
            if await self._in_use(each):
                await self._notes.keep([each])
            else:
                await self.discard([each])
        return len(due)

    async def _follow_forever(self, poll_seconds: float) -> None:
        while True:
            try:
                followed = await self.follow_due_notes()
            except AppError as failure:
                log.warning("notes of media not followed", error=type(failure).__name__)
                followed = 0
            except Exception:
                # A mistake of ours about one note must not end the following of all others.
                log.exception("notes of media not followed")
                followed = 0
            if followed < BATCH:
                await asyncio.sleep(poll_seconds)

    @asynccontextmanager
    async def following(self, poll_seconds: float = 15) -> AsyncIterator["MediaKeeper"]:
        """While this is open, due notes are followed in the background."""
        task = asyncio.create_task(self._follow_forever(poll_seconds))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
