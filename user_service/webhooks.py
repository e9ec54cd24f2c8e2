"""Webhooks of Clerk: changed profiles and deleted accounts.

They may arrive in any order: the latest change of a profile wins (profiles.py). Each is processed once. Its
id is stored after it was applied, so it is applied again after a crash, which changes nothing.
"""

import json
from typing import Any

import structlog

from shared import metrics
from shared.audit import AuditTrail
from shared.errors import MalformedError, NotFoundError
from user_service.accounts import Accounts
from user_service.clerk import profile_in
from user_service.domain import LastAdminError, User
from user_service.ports import ProcessedWebhooks, UserRepository
from user_service.profiles import Profiles

# Series exist before the first webhook, or the increase by it would not be seen.
_received = {kind: metrics.WEBHOOKS.labels(kind) for kind in ("user.updated", "user.deleted", "other")}

log = structlog.stdlib.get_logger(__name__)


class WebhooksNotConfiguredError(NotFoundError):
    """Without a signing secret no webhook can be verified."""

    code = "webhooks_not_configured"

    def __init__(self) -> None:
        super().__init__("Webhooks are not configured")


class Webhooks:
    """Applies verified webhooks."""

    def __init__(
        self,
        users: UserRepository,
        processed: ProcessedWebhooks,
        profiles: Profiles,
        accounts: Accounts,
        audit: AuditTrail,
    ) -> None:
        self._users = users
        self._processed = processed
        self._profiles = profiles
        self._accounts = accounts
        self._audit = audit

    async def receive(self, message_id: str, body: bytes) -> None:
        """Apply one webhook with a valid signature, once; other types of events are ignored.

        Raises:
            MalformedError: its payload is malformed.
            UnavailableError: it cannot be applied now; Clerk sends it again.
        """
        kind, data = _report_in(body)
        _received.get(kind, _received["other"]).inc()
        if await self._processed.contains(message_id):
            return
        user = await self._users.find_by_clerk_id(str(data.get("id", "")))
        if user is not None:
            await self._apply(user, kind, data)
            await self._processed.add(message_id)

    async def _apply(self, user: User, kind: str, data: dict[str, Any]) -> None:
        if kind == "user.updated":
            await self._update(user, data)
        elif kind == "user.deleted":
            await self._delete(user)

    async def _update(self, user: User, data: dict[str, Any]) -> None:
        await self._profiles.apply(user, profile_in(data))

    async def _delete(self, user: User) -> None:
        try:
            async with self._audit.record(user.id, "account.delete", user.id):
                await self._accounts.delete(user)
        except LastAdminError:
            log.warning("the last admin was deleted at Clerk and stays here", user_id=user.id)


def _report_in(body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        report = json.loads(body)
        kind, data = report["type"], report["data"]
    except (ValueError, KeyError, TypeError, RecursionError) as failure:
        raise MalformedError("The webhook body is not a valid event") from failure
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise MalformedError("The webhook body is not a valid event")
    return kind, data
