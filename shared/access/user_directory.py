"""The users, for the other services: a cache in front of the user service's `GET /auth/me`.

The user service invalidates an entry at every change (`user_tag`), so that a block or a role counts at the
next request while an ordinary request costs no extra call.
"""

import math
from dataclasses import dataclass

from shared.access.caller import Caller, Identity, allowed
from shared.access.delegation import Delegation
from shared.access.permissions import Permission
from shared.cache.entry import Content, Entry
from shared.cache.memory import MemoryLevel
from shared.cache.read_through import ReadThrough
from shared.contracts.users import USER, UserOut
from shared.errors import NotFoundError
from shared.http.service_client import ServiceClient
from shared.ports import UserDirectory

TTL_SECONDS = 60
"""Bounds how long a change can stay unseen if the user service and this service see different Redis
servers.
"""

KNOWN_BYTES = 8 * 1024 * 1024
"""The capacity for decoded callers; each also stores its token, for `TTL_SECONDS` at most."""


def user_tag(clerk_id: str) -> str:
    """The tag of everything that a change of this user invalidates."""
    return f"user:{clerk_id}"


def caller_from(user: UserOut, token: str, read_as: Content | None = None) -> Caller:
    """The caller, from the user as `GET /auth/me` returns it."""
    return Caller(user.id, user.clerk_id, user.full_name, user.role, user.is_blocked, token, read_as)


async def still_allowed(directory: UserDirectory, caller: Caller, permission: Permission) -> Caller:
    """The caller of a long request as they are now, who must still have `permission`.

    Raises:
        NotRegisteredError: the account was deleted; whoever registered with the identity since is another.
        BlockedError, RoleError: the caller was blocked, or demoted.
        UnavailableError: users cannot be read now.
    """
    current = await directory.find(Identity(caller.clerk_id, math.inf), caller.token)
    return allowed(current if current is not None and current.id == caller.id else None, permission)


@dataclass(frozen=True, slots=True)
class _Known:
    """A caller, decoded from this content."""

    content: Content
    caller: Caller
    size_bytes: int = 1024


class CachedUserDirectory:
    """Implements UserDirectory."""

    def __init__(self, users: ServiceClient, cache: ReadThrough, delegation: Delegation) -> None:
        self._users = users
        self._cache = cache
        self._delegation = delegation
        self._known: MemoryLevel[str, _Known] = MemoryLevel(KNOWN_BYTES)

    async def find(self, identity: Identity, token: str) -> Caller | None:
        """The caller carries a token for other services that outlives their own."""

        async def load() -> bytes | None:
            onward = self._delegation.token_for(identity.clerk_id)
            try:
                user = await self._users.fetch(USER, "GET", "/auth/me", token=onward, repeatable=True)
            except NotFoundError:
                return None
            return USER.dump_json(user, by_alias=True)

        tag = user_tag(identity.clerk_id)
        found = await self._cache.read(Entry("user", tag, TTL_SECONDS, (tag,)), load)
        if found is None:
            return None
        known = self._known.get(identity.clerk_id)
        if known is None or known.content is not found:
            onward = self._delegation.token_for(identity.clerk_id)
            known = _Known(found, caller_from(USER.validate_json(found.body), onward, found))
            self._known.put(identity.clerk_id, known)
        return known.caller
