"""Deleting accounts and spreading profiles: what each step of the account queue does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from shared.access.service_tokens import ServiceTokens
from shared.access.user_directory import user_tag
from shared.cache.read_through import ReadThrough
from shared.contracts.accounts import REMAINING, ProfileChange
from shared.errors import UnavailableError
from shared.http.idempotency_keys import IdempotencyKeys
from shared.http.service_client import ServiceClient
from user_service.account_tasks import (
    DELETION_STEPS,
    LAST_RECHECK_STEPS,
    PLANNED_DELAY,
    PROFILE_AGAIN_STEPS,
    PROFILE_STEPS,
    RECHECK_DELAY,
    RECHECK_STEPS,
    UPLOADS_DELAY,
    AccountQueue,
    AccountTask,
    AccountTaskRepository,
    Perform,
    Step,
)
from user_service.administration import Administration
from user_service.domain import User, UserNotFoundError
from user_service.own_account import account_key
from user_service.ports import IdentityProvider, UserRepository
from user_service.settings import SERVICE

log = structlog.stdlib.get_logger(__name__)


class Steps:
    """What each step does. All are idempotent, and raise UnavailableError when they have to be repeated."""

    def __init__(
        self,
        users: UserRepository,
        administration: Administration,
        identities: IdentityProvider,
        cache: ReadThrough,
        idempotency: IdempotencyKeys,
        services: "OtherServices",
    ) -> None:
        self._users = users
        self._administration = administration
        self._identities = identities
        self._cache = cache
        self._idempotency = idempotency
        self._services = services

    def by_name(self) -> dict[Step, Perform]:
        """For an AccountQueue."""
        return {
            Step.SONG_PROFILE: self._spread_to_songs,
            Step.ALBUM_PROFILE: self._spread_to_albums,
            Step.SONG_PROFILE_AGAIN: self._spread_to_songs,
            Step.ALBUM_PROFILE_AGAIN: self._spread_to_albums,
            Step.DELETE_ACCOUNT: self._delete_account,
            Step.DELETE_SONGS: self._delete_songs,
            Step.DELETE_ALBUMS: self._delete_albums,
            Step.DELETE_IDENTITY: self._delete_identity,
            Step.RECHECK_ACCOUNT: self._delete_account,
            Step.RECHECK_SONGS: self._delete_songs,
            Step.RECHECK_ALBUMS: self._delete_albums,
            Step.LAST_RECHECK_SONGS: self._delete_late_songs,
            Step.LAST_RECHECK_ALBUMS: self._delete_late_albums,
        }

    async def _spread_to_songs(self, task: AccountTask) -> None:
        await self._spread(self._services.songs, task)

    async def _spread_to_albums(self, task: AccountTask) -> None:
        await self._spread(self._services.albums, task)

    async def _spread(self, service: ServiceClient, task: AccountTask) -> None:
        """The current profile, so the order of several changes does not matter."""
        try:
            user = await self._users.get(task.user_id)
        except UserNotFoundError:
            return
        await self._services.change_profile(service, user)

    async def _delete_account(self, task: AccountTask) -> None:
        with suppress(UserNotFoundError):  # already removed by the request, or by an earlier attempt
            await self._administration.remove(await self._users.get(task.user_id))
        tag = user_tag(task.clerk_id)
        await self._cache.forget([tag, account_key(task.clerk_id)], [tag])
        await self._idempotency.forget(task.clerk_id)

    async def _delete_songs(self, task: AccountTask) -> None:
        await self._services.delete(self._services.songs, task.user_id)

    async def _delete_albums(self, task: AccountTask) -> None:
        await self._services.delete(self._services.albums, task.user_id)

    async def _delete_late_songs(self, task: AccountTask) -> None:
        if await self._is_gone(task):
            await self._delete_songs(task)

    async def _delete_late_albums(self, task: AccountTask) -> None:
        if await self._is_gone(task):
            await self._delete_albums(task)

    async def _is_gone(self, task: AccountTask) -> bool:
        """False after a deletion that was refused because its other steps could not be stored."""
        try:
            await self._users.get(task.user_id)
        except UserNotFoundError:
            return True
        return False

    async def _delete_identity(self, task: AccountTask) -> None:
        await self._identities.delete(task.clerk_id)


class OtherServices:
    """The song and the album service, called in this service's own name. Calls raise AppError."""

    def __init__(self, songs: ServiceClient, albums: ServiceClient, tokens: ServiceTokens) -> None:
        self.songs = songs
        self.albums = albums
        self._tokens = tokens

    async def change_profile(self, service: ServiceClient, user: User) -> None:
        """Set the current name in everything of this user."""
        change = ProfileChange(full_name=user.full_name).model_dump(by_alias=True)
        path = f"/internal/users/{user.id}/profile"
        await service.send("PUT", path, token=self._tokens.token_for(SERVICE), json=change)

    @asynccontextmanager
    async def exports(self, user_id: str) -> AsyncIterator[tuple[AsyncIterator[bytes], AsyncIterator[bytes]]]:
        """What the song and the album service store about this user, as JSON. Both have begun to respond."""
        path, token = f"/internal/users/{user_id}/export", self._tokens.token_for(SERVICE)
        async with (
            self.songs.stream(path, token=token) as songs,
            self.albums.stream(path, token=token) as albums,
        ):
            yield songs, albums

    async def delete(self, service: ServiceClient, user_id: str) -> None:
        """Delete everything of this user in batches, until nothing remains."""
        remaining = 1
        while remaining:
            token = self._tokens.token_for(SERVICE)
            path = f"/internal/users/{user_id}"
            response = await service.fetch(REMAINING, "DELETE", path, token=token, repeatable=True)
            remaining = response.remaining


class QueuedNames:
    """Implements NameSpreading with the account queue."""

    def __init__(self, queue: AccountQueue) -> None:
        self._queue = queue

    async def profile_changes(self, user: User) -> None:
        await self._queue.add(user, PROFILE_STEPS, PLANNED_DELAY)

    async def profile_changed(self, user: User) -> None:
        await self._queue.add(user, PROFILE_AGAIN_STEPS, UPLOADS_DELAY)
        await self._queue.add(user, PROFILE_STEPS)


class Accounts:
    """Deletes accounts in all services."""

    def __init__(self, queue: AccountQueue, administration: Administration) -> None:
        self._queue = queue
        self._administration = administration

    async def delete(self, user: User) -> None:
        """Remove the account now, and its content soon. The deletion is committed when its steps are stored.

        Raises:
            LastAdminError: no admin who can act would remain.
            UnavailableError: the steps cannot be stored now.
        """
        await self._administration.prepare_removal(user)
        await self._queue.add(user, LAST_RECHECK_STEPS, UPLOADS_DELAY)
        await self._queue.add(user, RECHECK_STEPS, RECHECK_DELAY)
        await self._queue.add(user, DELETION_STEPS)
        try:
            await self._administration.remove(user)
        except UserNotFoundError:
            return  # the first step has already removed it
        except UnavailableError as failure:
            log.warning("account removal deferred", error=type(failure).__name__)


def account_queue(tasks: AccountTaskRepository, steps: Steps) -> AccountQueue:
    """The queue with its steps."""
    return AccountQueue(tasks, steps.by_name())
