"""The export of an account: what the three services store about a user, as one JSON document.

AccountExport of shared/contracts/accounts.py. It is composed while it is sent. It begins after the other
services have begun to respond: if one is down, the response is 503.
"""

from collections.abc import AsyncIterator, Sequence

from shared.audit import AuditRepository
from shared.clock import now, to_iso
from shared.errors import UnavailableError
from shared.http.json_stream import JsonPieces, json_array, json_object
from shared.http.pagination import all_pages
from user_service.accounts import OtherServices
from user_service.ports import UserRepository
from user_service.schemas import user_out

PAGE = 100
MOST_AT_ONCE = 20
"""Exports that a process sends at the same time: each holds a connection to either service."""


class Export:
    """Composes exports."""

    def __init__(self, users: UserRepository, audit: AuditRepository, services: OtherServices) -> None:
        self._users = users
        self._audit = audit
        self._services = services
        self._running = 0

    async def of(self, user_id: str) -> JsonPieces:
        """The document.

        Raises:
            UserNotFoundError: the account was deleted in the meantime.
            UnavailableError: a service or the database is down, or too many exports are being sent.
        """
        if self._running >= MOST_AT_ONCE:
            raise UnavailableError("Too many exports are being made; try again soon")
        self._running += 1
        try:
            user = await self._users.get(user_id)
            async with self._services.exports(user_id) as (songs, albums):
                account: dict[str, object] = {
                    "user": user_out(user).model_dump(by_alias=True),
                    "profileAt": None if user.profile_at is None else to_iso(user.profile_at),
                    "changes": json_array(self._changes(user_id)),
                }
                document = {
                    "exportedAt": to_iso(now()),
                    "account": json_object(account),
                    "songs": songs,
                    "albums": albums,
                }
                async for piece in json_object(document):
                    yield piece
        finally:
            self._running -= 1

    async def _changes(self, user_id: str) -> AsyncIterator[Sequence[dict[str, object]]]:
        """Without the admin, who is another person."""
        async for page in all_pages(lambda part: self._audit.list(user_id, part), PAGE):
            yield [
                {
                    "at": to_iso(each.created_at),
                    "action": each.action,
                    "before": each.before,
                    "after": each.after,
                }
                for each in page
            ]
