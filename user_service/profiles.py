"""Keeps profiles in sync with the identity provider: name, e-mail address and image.

The provider's record carries the time of its last change, which decides: in whatever order records arrive, by
webhook or refresh, the latest wins.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import structlog

from shared.cache.store import CacheDownError
from shared.cache.writes import Writes
from shared.errors import AppError
from user_service.caching import Invalidation
from user_service.domain import EmailTakenError, Profile, User
from user_service.ports import IdentityProvider, UserChanges, UserRepository

CONCURRENT_REFRESHES = 4
REFRESHES_PER_SECOND = 10.0
"""The maximum, per process: Clerk allows a development instance 10 calls per second. Without it, the profiles
of all users who arrived in the same second would be refreshed in the same second, a minute later.
"""
MAX_REMEMBERED = 10_000

log = structlog.stdlib.get_logger(__name__)


class NameSpreading(Protocol):
    """Copies a user's name to songs and albums, durably. All calls raise UnavailableError."""

    async def profile_changes(self, user: User) -> None:
        """The name is about to change: schedule its copying, even if this process is killed."""
        ...

    async def profile_changed(self, user: User) -> None:
        """The name has changed: copy it now."""
        ...


class Marks(Protocol):
    """Marks that all replicas share. Raises CacheDownError when Redis is down."""

    async def add(self, key: str, value: bytes, ttl_seconds: int) -> bool:
        """Set a mark that expires. Returns whether it was not set before."""
        ...


class Profiles:
    """Applies records of the identity provider, and refreshes them in the background."""

    def __init__(
        self,
        users: UserRepository,
        identities: IdentityProvider,
        invalidation: Invalidation,
        writes: Writes,
        names: NameSpreading,
        marks: Marks,
        refresh_seconds: int,
    ) -> None:
        self._users = users
        self._identities = identities
        self._invalidation = invalidation
        self._writes = writes
        self._names = names
        self._marks = marks
        self.refresh_seconds = refresh_seconds
        self._refreshed_at: OrderedDict[str, float] = OrderedDict()
        self._permits = asyncio.Semaphore(CONCURRENT_REFRESHES)
        self._next_start = 0.0
        self._running: set[asyncio.Task[None]] = set()

    async def apply(self, user: User, profile: Profile) -> User:
        """Apply a record, also to the name in songs and albums. Returns the user.

        An older record than the last one changes nothing; nor does an e-mail address that is not verified, or
        that another account holds, which an admin has to resolve.

        Raises:
            UserNotFoundError: the user was deleted in the meantime.
            UnavailableError: the database is down.
        """
        changes = _changes_of(user, profile)
        if not changes and profile.updated_at in (None, user.profile_at):
            return user
        is_renamed = "full_name" in changes
        if is_renamed:
            await self._names.profile_changes(user)
        async with self._writes.then(partial(self._invalidation.user_changed, user)):
            changed = await self._store(user, changes, profile)
        if changed is None:
            return await self._users.get(user.id)
        if is_renamed:
            await self._names.profile_changed(changed)
        return changed

    async def _store(self, user: User, changes: UserChanges, profile: Profile) -> User | None:
        try:
            return await self._users.apply_profile(user.id, changes, profile.updated_at)
        except EmailTakenError:
            log.warning("e-mail kept, the new one belongs to another account", user_id=user.id)
            del changes["email"]
            return await self._users.apply_profile(user.id, changes, profile.updated_at)

    def refresh_later(self, clerk_id: str) -> None:
        """Refresh in the background, at most once in `refresh_seconds` for each user, and not if it had to
        wait longer than that for those of other users.
        """
        moment = time.monotonic()
        refreshed_at = self._refreshed_at.get(clerk_id)
        if refreshed_at is not None and moment - refreshed_at < self.refresh_seconds:
            return
        wait = max(0.0, self._next_start - moment)
        if wait > self.refresh_seconds:
            return
        self._next_start = moment + wait + 1 / REFRESHES_PER_SECOND
        self._refreshed_at[clerk_id] = moment + wait
        self._refreshed_at.move_to_end(clerk_id)
        if len(self._refreshed_at) > MAX_REMEMBERED:
            self._refreshed_at.popitem(last=False)
        task = asyncio.create_task(self._refresh(clerk_id, wait))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _refresh(self, clerk_id: str, wait_seconds: float) -> None:
        await asyncio.sleep(wait_seconds)
        try:
            async with self._permits:
                user = await self._users.find_by_clerk_id(clerk_id)
                if user is None or not await self._is_first(user):
                    return
                profile = await self._identities.profile(clerk_id)
            if profile is not None:
                await self.apply(user, profile)
        except AppError as failure:
            log.warning("profile not refreshed", clerk_id=clerk_id, error=type(failure).__name__)
        except Exception:  # no caller waits for this task
            log.exception("profile not refreshed", clerk_id=clerk_id)

    async def _is_first(self, user: User) -> bool:
        """Whether no other replica refreshes in the same period; without Redis each replica does."""
        # Shorter than the pause here, which began before: the next refresh must not meet the last mark.
        ttl_seconds = max(1, self.refresh_seconds * 9 // 10)
        try:
            return await self._marks.add(f"profile-refreshed:{user.id}", b"", ttl_seconds)
        except CacheDownError:
            return True

    @property
    def is_refreshing(self) -> bool:
        """Whether a refresh is running."""
        return bool(self._running)

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator["Profiles"]:
        """While this is open, refreshes run; those that are not done at the end are cancelled."""
        try:
            yield self
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)


def _changes_of(user: User, profile: Profile) -> UserChanges:
    changes: UserChanges = {}
    if profile.full_name and profile.full_name != user.full_name:
        changes["full_name"] = profile.full_name
    if profile.image_url and profile.image_url != user.image_url:
        changes["image_url"] = profile.image_url
    if profile.email and profile.email_is_verified and profile.email != user.email:
        changes["email"] = profile.email
    return changes
