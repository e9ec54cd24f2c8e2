"""Administration of users. At least one admin who can act always remains, also under concurrency."""

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import overload

from shared.access.caller import Caller
from shared.access.permissions import Role
from shared.cache.writes import Writes
from user_service import policy
from user_service.caching import Invalidation
from user_service.domain import LastAdminError, User, UserChangedMeanwhileError
from user_service.ports import UserChanges, UserFilter, UserRepository

ATTEMPTS = 5
ACTING_ADMINS = UserFilter(role=Role.ADMIN, is_blocked=False)


class Administration:
    """Blocking, roles and deletion."""

    def __init__(self, users: UserRepository, invalidation: Invalidation, writes: Writes) -> None:
        self._users = users
        self._invalidation = invalidation
        self._writes = writes

    async def block(self, admin: Caller, user: User, wanted: bool | None) -> User:
        """Set `is_blocked`; None flips it.

        Raises:
            SelfChangeError, LastAdminError: no admin who can act would remain.
            UserChangedMeanwhileError: concurrent changes exceeded the attempts.
        """
        policy.check_not_self(admin, user)
        for _ in range(ATTEMPTS):
            is_blocked = not user.is_blocked if wanted is None else wanted
            condition = user.is_blocked if wanted is None else None
            changed = await self._change(user, {"is_blocked": is_blocked}, condition)
            if changed is not None:
                return changed
            user = await self._users.get(user.id)
        raise UserChangedMeanwhileError

    async def give_role(self, admin: Caller, user: User, role: Role) -> User:
        """Set the role.

        Raises:
            SelfChangeError, LastAdminError: no admin who can act would remain.
        """
        if role is not user.role:
            policy.check_not_self(admin, user)
        return await self._change(user, {"role": role})

    async def delete(self, admin: Caller, user: User) -> None:
        """Remove the user; their content stays.

        Raises:
            SelfChangeError, LastAdminError: no admin who can act would remain.
        """
        policy.check_not_self(admin, user)
        await self.prepare_removal(user)
        await self.remove(user)

    async def prepare_removal(self, user: User) -> None:
        """Demote an admin, so that their removal leaves one who can act.

        Raises:
            LastAdminError: there would be none.
        """
        if policy.can_act_as_admin(user):
            await self._change(user, {"role": Role.USER})

    async def remove(self, user: User) -> None:
        """Remove the user after `prepare_removal`. Raises UserNotFoundError."""
        async with self._write(user):
            await self._users.remove(user.id)

    @overload
    async def _change(self, user: User, changes: UserChanges) -> User: ...

    @overload
    async def _change(self, user: User, changes: UserChanges, if_blocked: bool | None) -> User | None: ...

    async def _change(self, user: User, changes: UserChanges, if_blocked: bool | None = None) -> User | None:
        """Change, then check that an admin remains: two admins who demote each other would both pass a check
        beforehand. If none remains the change is rolled back.
        """
        async with self._write(user):
            changed = await self._users.change(user.id, changes, if_blocked=if_blocked)
        if changed is None:
            return None
        if policy.can_act_as_admin(user) and not policy.can_act_as_admin(changed):
            await self._keep_an_admin(user, changes)
        return changed

    async def _keep_an_admin(self, before: User, changes: UserChanges) -> None:
        try:
            if await self._users.count(ACTING_ADMINS) > 0:
                return
        except BaseException:  # it is unknown whether one remains
            await self._roll_back(before, changes)
            raise
        await self._roll_back(before, changes)
        raise LastAdminError

    async def _roll_back(self, before: User, changes: UserChanges) -> None:
        """Restore only the fields that this change has set."""
        old: UserChanges = {}
        if "role" in changes:
            old["role"] = before.role
        if "is_blocked" in changes:
            old["is_blocked"] = before.is_blocked
        async with self._write(before):
            await self._users.change(before.id, old)

    def _write(self, user: User) -> AbstractAsyncContextManager[None]:
        """A context manager around each write of the user."""
        return self._writes.then(partial(self._invalidation.user_changed, user))
