"""The cleanup journal deletes orphaned media after any failure of an upload or a process.

An entry is written before a medium is stored, and deleted as the last step of the upload, the commit. If it
becomes due before, the document and its media are rolled back. Other entries become due after a deletion:
their media are deleted unless a document still uses them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from shared.clock import now
from shared.errors import AppError, UnavailableError
from shared.ports import MediaCleanups, MediaRef, MediaRemoval

InUse = Callable[[MediaRef], Awaitable[bool]]
Rollback = Callable[[MediaRef], Awaitable[None]]
"""Deletes the document that names a medium. Idempotent; ignores media of other applications."""

UPLOAD_DEADLINE = timedelta(hours=1)
"""The longest time that an upload may take; an upload that is not committed by then is rolled back."""

COMMIT_TIMEOUT_SECONDS = 20.0
COMMIT_DEADLINE = timedelta(minutes=3)
"""Much later, so that no upload is rolled back that may still commit."""

REMOVAL_DEADLINE = timedelta(minutes=1)

RETRY_AFTER = timedelta(seconds=30)
LEASE = timedelta(minutes=5)
BATCH = 50

REMOVAL_TIMEOUT_SECONDS = 5.0
"""How long a request waits for a deletion, even when the store hangs for longer."""

log = structlog.stdlib.get_logger(__name__)


class CleanupJournal:
    """The journal of one service, and the worker that processes its due entries."""

    def __init__(
        self, entries: MediaCleanups, store: MediaRemoval, in_use: InUse, rollback: Rollback
    ) -> None:
        self._entries = entries
        self._store = store
        self._in_use = in_use
        self._rollback = rollback
        self._unrecorded: dict[MediaRef, bool] = {}

    @asynccontextmanager
    async def uploading(self, media: Sequence[MediaRef]) -> AsyncIterator[None]:
        """Context manager around storing these media, the first half of an upload. On failure they are
        deleted.

        Their entries stay, because a request that timed out may still succeed at the store.

        Raises:
            UnavailableError: the journal cannot be written now.
        """
        await self._entries.plan(media, now() + UPLOAD_DEADLINE, unfinished=True)
        try:
            yield
        except BaseException:
            await self._destroy(media)
            raise

    @asynccontextmanager
    async def committing(self, media: Sequence[MediaRef]) -> AsyncIterator[None]:
        """Context manager around storing the document of these media, and the other steps of the upload's
        second half.

        It commits in time, or it is rolled back: now, or when the entries become due.

        Raises:
            UnavailableError: the commit cannot be written now, or the time is over.
        """
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_SECONDS):
                due_at = now() + COMMIT_DEADLINE
                await self._entries.plan(media, due_at, unfinished=True)
                yield
                if not await self._entries.finish(media, due_at):
                    raise UnavailableError("The upload took too long; upload again")
        except TimeoutError as failure:
            await self._roll_back(media)
            raise UnavailableError("The upload took too long; try again later") from failure
        except BaseException:
            await self._roll_back(media)
            raise

    async def _roll_back(self, media: Sequence[MediaRef]) -> None:
        """Roll back; the document may be stored, and the entries may be deleted. Never raises."""
        await self._record_soon(media, unfinished=True)
        try:
            for each in media:
                await self._rollback(each)
        except AppError as failure:
            log.error("upload rollback deferred", media=media[0].public_id, error=type(failure).__name__)
            return
        await self._destroy(media)

    async def begin_removal(self, media: Sequence[MediaRef]) -> None:
        """Write entries before the document of these media is deleted, which has to follow within a minute.

        Raises:
            UnavailableError: the entries cannot be written now.
        """
        await self._entries.plan(media, now() + REMOVAL_DEADLINE)

    async def discard(self, media: Sequence[MediaRef]) -> None:
        """Delete these now, or soon when the store is down or slow. Never raises."""
        gone = await self._destroy(media)
        await self._forget([each for each in media if each in gone])
        await self._record_soon([each for each in media if each not in gone])

    async def _destroy(self, media: Sequence[MediaRef]) -> set[MediaRef]:
        """Returns those that are deleted now."""
        gone = await asyncio.gather(*(self._is_destroyed(each) for each in media))
        return {each for each, is_gone in zip(media, gone, strict=True) if is_gone}

    async def _is_destroyed(self, media: MediaRef) -> bool:
        try:
            async with asyncio.timeout(REMOVAL_TIMEOUT_SECONDS):
                await self._store.destroy(media)
        except (AppError, TimeoutError) as failure:
            log.warning("media removal deferred", media=media.public_id, error=type(failure).__name__)
            return False
        return True

    async def _forget(self, media: Sequence[MediaRef]) -> None:
        """A remaining entry becomes due, and its medium is then found to be in use."""
        if not media:
            return
        try:
            await self._entries.keep(media)
        except AppError as failure:
            log.warning("journal entry not deleted", error=type(failure).__name__)

    async def _record_soon(self, media: Sequence[MediaRef], *, unfinished: bool = False) -> None:
        """Schedule these for deletion soon; with the database down, as soon as the journal can be written."""
        if not media:
            return
        try:
            await self._entries.plan(media, now() + RETRY_AFTER, unfinished=unfinished)
        except AppError as failure:
            log.warning("journal entry deferred", error=type(failure).__name__)
            self._unrecorded |= dict.fromkeys(media, unfinished)

    async def process_due_entries(self) -> int:
        """Delete media that are due and not in use. Returns the number of entries processed.

        Only claimed entries are deleted, not one that was written in the meantime, as when the document is
        deleted now. What cannot be deleted is due again when the lease ends.
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
                log.warning("journal entries not processed", error=type(failure).__name__)
                followed = 0
            except Exception:
                # An internal error about one entry must not end the processing of all others.
                log.exception("journal entries not processed")
                followed = 0
            if followed < BATCH:
                await asyncio.sleep(poll_seconds)

    @asynccontextmanager
    async def processing(self, poll_seconds: float = 15) -> AsyncIterator["CleanupJournal"]:
        """While this is open, due entries are processed in the background."""
        task = asyncio.create_task(self._process_forever(poll_seconds))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
