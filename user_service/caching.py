"""What a change of a user invalidates. The user service reads its own users from its database."""

from shared.access.user_directory import user_tag
from shared.cache.read_through import ReadThrough
from user_service.domain import User


class Invalidation:
    """Called before the change is acknowledged."""

    def __init__(self, cache: ReadThrough) -> None:
        self._cache = cache

    async def user_changed(self, user: User) -> None:
        """The user was registered, changed or deleted: invalidates what the other services cache of them."""
        await self._cache.invalidate(user_tag(user.clerk_id))
