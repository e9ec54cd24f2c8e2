"""Our users, for the services that do not own them: a cache in front of the user service's `GET /auth/me`.

The user service makes an entry stale at every change (`user_tag`), so that a block or a role counts at the
next request while an ordinary request costs no extra call.
"""

import json
from collections.abc import Mapping
from typing import Any

from shared.access.caller import Caller, Identity
from shared.access.delegation import Delegation
from shared.access.permissions import Role
from shared.cache.read_through import Entry, ReadThrough
from shared.errors import NotFoundError
from shared.http.service_client import ServiceClient

TTL_SECONDS = 60
"""Bounds what a change can stay unseen if the user service's Redis and ours are parted from each other."""


def user_tag(clerk_id: str) -> str:
    """What a change of this user makes stale."""
    return f"user:{clerk_id}"


def caller_from(user: Mapping[str, Any], token: str) -> Caller:
    """The caller, from the user as `GET /auth/me` answers it."""
    return Caller(
        id=user["_id"],
        clerk_id=user["clerkId"],
        full_name=user["fullName"],
        role=Role(user["role"]),
        is_blocked=user["isBlocked"],
        token=token,
    )


class CachedUserDirectory:
    """Implements UserDirectory."""

    def __init__(self, users: ServiceClient, cache: ReadThrough, delegation: Delegation) -> None:
        self._users = users
        self._cache = cache
        self._delegation = delegation

    async def find(self, identity: Identity, token: str) -> Caller | None:
        """The caller carries a token for other services that outlives their own."""
        onward = self._delegation.token_for(identity.clerk_id)

        async def load() -> bytes | None:
            try:
                user = await self._users.ask("GET", "/auth/me", token=onward, repeatable=True)
            except NotFoundError:
                return None
            return json.dumps(user).encode()

        tag = user_tag(identity.clerk_id)
        found = await self._cache.read(Entry("user", tag, TTL_SECONDS, (tag,)), load)
        return None if found is None else caller_from(json.loads(found), onward)
