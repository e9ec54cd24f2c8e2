"""The user service's own UserDirectory: it reads its database, so it is never outdated."""

from shared.access.caller import Caller, Identity
from user_service.ports import UserRepository


class OwnUserDirectory:
    """Implements UserDirectory."""

    def __init__(self, users: UserRepository) -> None:
        self._users = users

    async def find(self, identity: Identity, token: str) -> Caller | None:
        user = await self._users.find_by_clerk_id(identity.clerk_id)
        if user is None:
            return None
        return Caller(user.id, user.clerk_id, user.full_name, user.role, user.is_blocked, token)
