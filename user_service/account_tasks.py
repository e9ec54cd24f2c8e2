"""The queue of account tasks: the steps in other services and at Clerk after an account changed.

Every step is a row in the database, stored before the change is acknowledged, and is repeated until it
succeeds: the process may be killed at any time, and a service or provider may be down for hours. Steps are
idempotent.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import structlog

from shared import metrics
from shared.clock import now
from shared.errors import AppError
from shared.media.cleanup import UPLOAD_DEADLINE
from user_service.domain import User

LEASE = timedelta(minutes=2)
BATCH = 20
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0
POLL_SECONDS = 1.0

log = structlog.stdlib.get_logger(__name__)


class Step(StrEnum):
    """One step for one account."""

    SONG_PROFILE = "song_profile"
    ALBUM_PROFILE = "album_profile"
    SONG_PROFILE_AGAIN = "song_profile_again"
    ALBUM_PROFILE_AGAIN = "album_profile_again"
    DELETE_ACCOUNT = "delete_account"
    DELETE_SONGS = "delete_songs"
    DELETE_ALBUMS = "delete_albums"
    DELETE_IDENTITY = "delete_identity"
    RECHECK_ACCOUNT = "recheck_account"
    RECHECK_SONGS = "recheck_songs"
    RECHECK_ALBUMS = "recheck_albums"
    LAST_RECHECK_SONGS = "last_recheck_songs"
    LAST_RECHECK_ALBUMS = "last_recheck_albums"


PROFILE_STEPS = (Step.SONG_PROFILE, Step.ALBUM_PROFILE)
PROFILE_AGAIN_STEPS = (Step.SONG_PROFILE_AGAIN, Step.ALBUM_PROFILE_AGAIN)
"""The same once more, for uploads that started with the old name."""

PLANNED_DELAY = timedelta(seconds=15)
"""Longer than a write of the user may take: a task that is planned before it finds the new name."""

UPLOADS_DELAY = UPLOAD_DEADLINE
"""Longer than an upload may take from the check of its caller to its end."""

DELETION_STEPS = (Step.DELETE_ACCOUNT, Step.DELETE_SONGS, Step.DELETE_ALBUMS, Step.DELETE_IDENTITY)
RECHECK_STEPS = (Step.RECHECK_ACCOUNT, Step.RECHECK_SONGS, Step.RECHECK_ALBUMS)
"""The same once more, for requests and batches that were in flight at the deletion."""

RECHECK_DELAY = timedelta(seconds=40)
"""Longer than a batch for the engine may take, or an upload from its last check of the account to its end."""

LAST_RECHECK_STEPS = (Step.LAST_RECHECK_SONGS, Step.LAST_RECHECK_ALBUMS)
"""Once more after `UPLOADS_DELAY`: for an upload that hung after its last check of the account."""


@dataclass(frozen=True, slots=True)
class AccountTask:
    """A pending step. `revision` counts how often it was requested."""

    user_id: str
    clerk_id: str
    step: Step
    revision: int = 1
    attempts: int = 0


class AccountTaskRepository(Protocol):
    """The queue. There is one row for each account and step. Raises UnavailableError when it is down."""

    async def add(self, user_id: str, clerk_id: str, steps: Sequence[Step], due_at: datetime) -> None:
        """Add these steps; a pending step gets the next revision and the new due time."""
        ...

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> Sequence[AccountTask]:
        """Claim due tasks; no other worker gets them before `lease_until`."""
        ...

    async def complete(self, task: AccountTask) -> None:
        """Delete the task, unless it was requested again in the meantime: then it stays."""
        ...

    async def retry(self, task: AccountTask, due_at: datetime) -> None:
        """Make the task due at `due_at`, with one more attempt."""
        ...

    async def count_overdue(self, moment: datetime) -> int:
        """Returns the number of tasks that are due at `moment` or failed before, without those for later."""
        ...


Perform = Callable[[AccountTask], Awaitable[None]]


class AccountQueue:
    """Stores steps, and works through them in the background."""

    def __init__(self, tasks: AccountTaskRepository, steps: Mapping[Step, Perform]) -> None:
        self._tasks = tasks
        self._steps = steps
        self._wake = asyncio.Event()

    async def add(self, user: User, steps: Sequence[Step], delay: timedelta = timedelta(0)) -> None:
        """Schedule these steps for this account, after `delay`. Raises UnavailableError."""
        await self._tasks.add(user.id, user.clerk_id, steps, now() + delay)
        self._wake.set()

    async def process_due(self) -> int:
        """Process due tasks. Returns the number of tasks claimed; a failed one is due again later."""
        claimed = await self._tasks.claim_due(now(), now() + LEASE, BATCH)
        await asyncio.gather(*(self._perform(task) for task in claimed))
        metrics.QUEUE_LENGTH.labels("account_tasks").set(await self._tasks.count_overdue(now()))
        return len(claimed)

    async def _perform(self, task: AccountTask) -> None:
        try:
            async with asyncio.timeout(LEASE.total_seconds() / 2):
                await self._steps[task.step](task)
        except (AppError, TimeoutError) as failure:
            log.warning("account task failed", step=task.step, error=type(failure).__name__)
            await self._retry(task)
        except Exception:
            # An internal error counts as a failure too, or the task would never be overdue.
            log.exception("account task failed", step=task.step)
            await self._retry(task)
        else:
            await self._tasks.complete(task)

    async def _retry(self, task: AccountTask) -> None:
        seconds = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2**task.attempts)
        await self._tasks.retry(task, now() + timedelta(seconds=seconds))

    async def _process_forever(self) -> None:
        while True:
            self._wake.clear()
            try:
                claimed = await self.process_due()
            except AppError as failure:
                log.warning("account tasks not processed", error=type(failure).__name__)
                claimed = 0
            except Exception:
                # An internal error about one task must not end the processing of all others.
                log.exception("account tasks not processed")
                claimed = 0
            if claimed == 0:
                await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    @asynccontextmanager
    async def processing(self) -> AsyncIterator["AccountQueue"]:
        """While this is open, due tasks are processed in the background."""
        worker = asyncio.create_task(self._process_forever())
        try:
            yield self
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
