"""Users as they see themselves: `GET /auth/me`, which every page of the front end begins with."""

from shared.access.caller import Identity
from shared.access.user_directory import TTL_SECONDS, user_tag
from shared.cache.entry import Content, Entry
from shared.cache.read_through import ReadThrough
from user_service.domain import UserNotRegisteredError
from user_service.ports import UserRepository
from user_service.profiles import Profiles
from user_service.schemas import user_out


def account_key(clerk_id: str) -> str:
    """The key of somebody's account in Redis."""
    return f"{user_tag(clerk_id)}:account"


class OwnAccount:
    """Accounts as JSON, blocked or not, from the cache."""

    def __init__(self, users: UserRepository, cache: ReadThrough, profiles: Profiles) -> None:
        self._users = users
        self._cache = cache
        self._profiles = profiles
        # Expires when the next refresh is due, so that a request passes the gateway's cache then.
        self._ttl_seconds = min(TTL_SECONDS, profiles.refresh_seconds)

    async def of(self, identity: Identity) -> Content:
        """The user with this identity; their profile is refreshed in the background. Depends on their tag
        only.

        Raises:
            UserNotRegisteredError: nobody has registered with it.
        """

        async def load() -> bytes | None:
            user = await self._users.find_by_clerk_id(identity.clerk_id)
            return None if user is None else user_out(user).model_dump_json(by_alias=True).encode()

        self._profiles.refresh_later(identity.clerk_id)
        tag = user_tag(identity.clerk_id)
        entry = Entry("account", account_key(identity.clerk_id), self._ttl_seconds, (tag,))
        found = await self._cache.read(entry, load)
        if found is None:
            raise UserNotRegisteredError
        return found
