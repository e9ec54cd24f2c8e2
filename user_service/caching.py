"""What a change of a user makes stale. The user service reads its own users from its database."""

from shared.cache import ReadThrough
from shared.user_directory import user_family
from user_service.domain import User


class Staleness:
    """Called before the change is answered."""

    def __init__(self, cache: ReadThrough) -> None:
        self._cache = cache

    async def user_changed(self, user: User) -> None:
        """Registered, changed or deleted: what the other services remember of them."""
        await self._cache.make_stale(user_family(user.clerk_id))
