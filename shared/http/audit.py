"""`GET /admin/…/audit`, which every service has."""

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from shared.audit import AuditEntry, AuditRepository, Fields
from shared.clock import to_iso
from shared.http.pagination import Page, split_page
from shared.http.responses import list_response
from shared.http.rows import Rows

MOST_ENTRIES = 1000
"""The longest list without `limit`."""

TargetId = Annotated[
    str | None,
    Query(alias="targetId", max_length=64, description="Only entries about this target"),
    AfterValidator(lambda text: None if text is None else text.lower()),
]


class AuditEntryOut(BaseModel):
    """An action of an admin, or the deletion of an account. `before` and `after` hold the fields that it
    changed.

    Of an album they name the song that was added or removed, as `songId`, with its `position`. Of a new order
    they have `songIds` from the first to the last song that moved, at most 100, and the `position` of the
    first.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    at: str
    actor_id: str
    action: str
    target_id: str
    before: Fields | None
    after: Fields | None


def _entry_json(entry: AuditEntry) -> bytes:
    shape = AuditEntryOut(
        at=to_iso(entry.created_at),
        actor_id=entry.actor_id,
        action=entry.action,
        target_id=entry.target_id,
        before=entry.before,
        after=entry.after,
    )
    return shape.model_dump_json(by_alias=True).encode()


async def audit_page(
    request: Request, log: str, entries: AuditRepository, target_id: str | None, page: Page
) -> Response:
    """One page of the audit log, newest first. `log` names it among those of all services."""
    binding = f"audit {log} {target_id}"
    part = page.to_slice(MOST_ENTRIES, binding)
    shown, next_cursor = split_page(await entries.list(target_id, part), part, binding)
    rows = Rows([_entry_json(entry) for entry in shown], next_cursor)
    total = await entries.count(target_id) if page.total else None
    return list_response(request, rows, page, total, filters=("targetId",))
