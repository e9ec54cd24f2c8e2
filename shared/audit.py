"""The audit log: every change by an admin, and every deletion of an account."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from shared.access.caller import Caller
from shared.access.permissions import Role
from shared.clock import now
from shared.errors import AppError, UnavailableError
from shared.http.pagination import Slice
from shared.ids import new_id

KEPT = timedelta(days=400)

Fields: TypeAlias = Mapping[str, str | int | bool | list[str] | None]
"""The fields that an action is about, as the API writes them. Never a name or an e-mail address."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action on a target. `after` is None when the target is deleted, or the outcome is unknown."""

    id: str
    created_at: datetime
    actor_id: str
    action: str
    target_id: str
    before: Fields | None
    after: Fields | None


class AuditRepository(Protocol):
    """The entries of one service. All calls raise UnavailableError when the database is down."""

    async def add(self, entry: AuditEntry) -> None:
        """Store a new entry."""
        ...

    async def complete(self, entry_id: str, after: Fields | None) -> None:
        """Store the target's state after the action."""
        ...

    async def remove(self, entry_id: str) -> None:
        """Remove an entry whose action was refused."""
        ...

    async def list(self, target_id: str | None, part: Slice) -> Sequence[AuditEntry]:
        """Entries of the last 400 days, newest first; with `target_id`, only those about this target."""
        ...

    async def count(self, target_id: str | None) -> int:
        """The number of these entries."""
        ...


class AuditRecord:
    """One action while it happens: set `after` when it has."""

    def __init__(self) -> None:
        self.after: Fields | None = None


class AuditTrail:
    """Writes the audit log.

    An entry is stored before its action and completed after it, so that no action goes unrecorded. It is
    removed when the action was refused. After a crash, or a failure with an unknown outcome, it stays.
    """

    def __init__(self, entries: AuditRepository) -> None:
        self._entries = entries

    @asynccontextmanager
    async def of_admin(
        self, actor: Caller, action: str, target_id: str, before: Fields | None = None
    ) -> AsyncIterator[AuditRecord]:
        """Context manager around a change, which is recorded if `actor` is an admin.

        Raises:
            UnavailableError: the entry cannot be stored; the change must not happen.
        """
        if actor.role is Role.ADMIN:
            async with self.record(actor.id, action, target_id, before) as record:
                yield record
        else:
            yield AuditRecord()

    @asynccontextmanager
    async def record(
        self, actor_id: str, action: str, target_id: str, before: Fields | None = None
    ) -> AsyncIterator[AuditRecord]:
        """Context manager around a change that is recorded for every actor. Raises as `of_admin` does."""
        record = AuditRecord()
        entry = AuditEntry(new_id(), now(), actor_id, action, target_id, before, None)
        await self._entries.add(entry)
        try:
            yield record
        except AppError as failure:
            if not isinstance(failure, UnavailableError):
                await self._entries.remove(entry.id)
            raise
        if record.after is not None:
            await self._entries.complete(entry.id, record.after)
