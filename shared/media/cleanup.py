"""Media that nobody wants in the end are removed, however the upload or the process ended.

An entry is written before a medium is stored, and taken back as the last step of the upload: until then its
document is not there to stay either, and goes with it. What is noted otherwise is removed only after asking
whether it is in use after all: such an entry is a reminder, not an order.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from shared.clock import now
from shared.errors import AppError, UnavailableError
from shared.ports import MediaCleanups, MediaRef, MediaStore

InUse = Callable[[MediaRef], Awaitable[bool]]
Rollback = Callable[[MediaRef], Awaitable[None]]
"""Removes the document that names a medium; harmless when there is none, or it is not ours."""

UPLOAD_DEADLINE = timedelta(hours=1)
"""No medium takes longer on its way to the store: what nobody finished by then is removed."""

COMMIT_TIMEOUT_SECONDS = 20.0
COMMIT_DEADLINE = timedelta(minutes=3)
"""Well after that, so that nothing is undone that may still be finished."""

REMOVAL_DEADLINE = timedelta(minutes=1)

RETRY_AFTER = timedelta(seconds=30)
LEASE = timedelta(minutes=5)
BATCH = 50

REMOVAL_TIMEOUT_SECONDS = 5.0
"""How long whoever causes a removal waits for it, even when the store hangs for longer."""

log = structlog.stdlib.get_logger(__name__)


class CleanupJournal:
    """The entries of one service, and the work of following them."""

    def __init__(self, entries: MediaCleanups, store: MediaStore, in_use: InUse, rollback: Rollback) -> None:
        self._entries = entries
        self._store = store
        self._in_use = in_use
        self._rollback = rollback
        self._unrecorded: dict[MediaRef, bool] = {}

    @asynccontextmanager
    async def uploading(self, media: Sequence[MediaRef]) -> AsyncIterator[None]:
        """Around storing these, the first half of an upload. When it fails, what arrived of them is removed.

        Their entries stand, for what is still on its way to the store: a request that ran out of time may
        yet succeed.

        Raises:
            UnavailableError: it cannot be noted now.
        """
        await self._entries.plan(media, now() + UPLOAD_DEADLINE, unfinished=True)
        try:
            yield
        except BaseException:
            await self._destroy(media)
            raise

    @asynccontextmanager
    async def committing(self, media: Sequence[MediaRef]) -> AsyncIterator[None]:
        """Around storing the document of these, the second half, and whatever else belongs to the upload.

        It is done to its end in time, and then stays, or it is undone: now, or when the entries fall due.

        Raises:
            UnavailableError: it cannot be noted now that these stay, or time was up.
        """
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_SECONDS):
                due_at = now() + COMMIT_DEADLINE
                await self._entries.plan(media, due_at, unfinished=True)
                yield
                if not await self._entries.finish(media, due_at):
                    raise UnavailableError("The upload was given up meanwhile")
        except TimeoutError as failure:
            await self._roll_back(media)
            raise UnavailableError("The upload takes too long now") from failure
        except BaseException:
            await self._roll_back(media)
            raise

    async def _roll_back(self, media: Sequence[MediaRef]) -> None:
        """The document may be stored, and the entries may be gone. Never raises."""
        await self._record_soon(media, unfinished=True)
        try:
            for each in media:
                await self._rollback(each)
        except AppError as failure:
            log.error("upload undone later", media=media[0].public_id, error=type(failure).__name__)
            return
        await self._destroy(media)

    async def begin_removal(self, media: Sequence[MediaRef]) -> None:
        """Before the document of these is removed, which has to be done within a minute.

        Raises:
            UnavailableError: it cannot be noted now.
        """
        await self._entries.plan(media, now() + REMOVAL_DEADLINE)

    async def discard(self, media: Sequence[MediaRef]) -> None:
        """Remove these now, or soon when the store is down or slow. Never raises."""
        gone = await self._destroy(media)
        await self._forget([each for each in media if each in gone])
        await self._record_soon([each for each in media if each not in gone])

    async def _destroy(self, media: Sequence[MediaRef]) -> set[MediaRef]:
        """Those that are gone now."""
        gone = await asyncio.gather(*(self._is_destroyed(each) for each in media))
        return {each for each, is_gone in zip(media, gone, strict=True) if is_gone}

    async def _is_destroyed(self, media: MediaRef) -> bool:
        try:
            async with asyncio.timeout(REMOVAL_TIMEOUT_SECONDS):
                await self._store.destroy(media)
        except (AppError, TimeoutError) as failure:
            log.warning("media removed later", media=media.public_id, error=type(failure).__name__)
            return False
        return True

    async def _forget(self, media: Sequence[MediaRef]) -> None:
        """An entry that stays all the same is found wrong when it falls due."""
        if not media:
            return
        try:
            await self._entries.keep(media)
        except AppError as failure:
            log.warning("entry of media stays", error=type(failure).__name__)

    async def _record_soon(self, media: Sequence[MediaRef], *, unfinished: bool = False) -> None:
        """Have these looked after soon; with the database down, as soon as it can be noted."""
        if not media:
            return
        try:
            await self._entries.plan(media, now() + RETRY_AFTER, unfinished=unfinished)
        except AppError as failure:
            log.warning("media noted later", error=type(failure).__name__)
            self._unrecorded |= dict.fromkeys(media, unfinished)

    async def process_due_entries(self) -> int:
        """Remove what is due and not in use. Returns the number of entries processed.

        Only claimed entries are deleted, not one that was written meanwhile, as when the document is removed
        now. What cannot be removed is due again when the lease ends.
        """
        for media, unfinished in list(self._unrecorded.items()):
            await self._entries.plan([media], now(), unfinished=unfinished)
            del self._unrecorded[media]
        lease_until = now() + LEASE
        due = await self._entries.claim_due(now(), lease_until, BATCH)
        for entry in due:
            if entry.unfinished:
                await self._rollback(entry.media)
            if await self._in_use(entry.media) or await self._is_destroyed(entry.media):
                await self._entries.finish([entry.media], lease_until)
        return len(due)

    async def _process_forever(self, poll_seconds: float) -> None:
        while True:
            try:
                followed = await self.process_due_entries()
            except AppError as failure:
                log.warning("entries of media not followed", error=type(failure).__name__)
                followed = 0
            except Exception:
                # A mistake of ours about one entry must not end the following of all others.
                log.exception("entries of media not followed")
                followed = 0
            if followed < BATCH:
                await asyncio.sleep(poll_seconds)

    @asynccontextmanager
    async def processing(self, poll_seconds: float = 15) -> AsyncIterator["CleanupJournal"]:
        """While this is open, due entries are followed in the background."""
        task = asyncio.create_task(self._process_forever(poll_seconds))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
