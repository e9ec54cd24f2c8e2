"""Administration of users under concurrency and database failures."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import overload

import pytest

from embedded.sqlite import schemas
from embedded.sqlite.database import SqliteDatabase, open_database
from embedded.sqlite.users import SqliteUsers
from shared.access.caller import Caller
from shared.access.permissions import Role
from shared.cache.read_through import open_read_through
from shared.cache.writes import Writes
from shared.clock import now
from shared.errors import UnavailableError
from shared.ids import new_id
from tests.shared.lost_responses import lose_responses
from tests.shared.memory_cache import MemoryCache
from user_service.administration import Administration
from user_service.caching import Invalidation
from user_service.domain import LastAdminError, User, UserChangedMeanwhileError
from user_service.ports import UserChanges, UserFilter


class Contested(SqliteUsers):
    """Users whom somebody else flips just before each flip, `conflicts` times; whom somebody else changes, or
    who cannot be counted, while admins are counted.
    """

    def __init__(self, database: SqliteDatabase) -> None:
        super().__init__(database)
        self.conflicts = 0
        self.meanwhile: tuple[User, UserChanges] | None = None
        self.can_count = True

    @overload
    async def change(self, user_id: str, changes: UserChanges) -> User: ...

    @overload
    async def change(self, user_id: str, changes: UserChanges, *, if_blocked: bool | None) -> User | None: ...

    async def change(
        self, user_id: str, changes: UserChanges, *, if_blocked: bool | None = None
    ) -> User | None:
        if if_blocked is not None and self.conflicts > 0:
            self.conflicts -= 1
            await super().change(user_id, {"is_blocked": not if_blocked})
        return await super().change(user_id, changes, if_blocked=if_blocked)

    async def count(self, wanted: UserFilter) -> int:
        if not self.can_count:
            raise UnavailableError("The database is not available now")
        if self.meanwhile:
            user, changes = self.meanwhile
            await super().change(user.id, changes)
        return await super().count(wanted)


@pytest.fixture
async def users(tmp_path: Path) -> AsyncIterator[Contested]:
    async with open_database(tmp_path / "users.sqlite", schemas.USERS) as database:
        yield Contested(database)


@pytest.fixture
def redis() -> MemoryCache:
    return MemoryCache()


@pytest.fixture
async def administration(users: Contested, redis: MemoryCache) -> AsyncIterator[Administration]:
    async with open_read_through(redis) as cache:
        yield Administration(users, Invalidation(cache), Writes())


async def added(users: Contested, role: Role) -> User:
    user_id, moment = new_id(), now()
    user = User(user_id, f"user_{user_id}", "A", f"{user_id}@test.local", "", role, False, moment, moment)
    await users.add(user)
    return user


def as_admin() -> Caller:
    """Somebody who was an admin when their request came in."""
    return Caller(new_id(), "user_gone", "Gone", Role.ADMIN, False, "token")


async def test_constantly_overtaken_flip_is_a_conflict(
    users: Contested, administration: Administration
) -> None:
    user = await added(users, Role.USER)
    users.conflicts = 2
    assert (await administration.block(as_admin(), user, None)).is_blocked is True
    users.conflicts = 100
    with pytest.raises(UserChangedMeanwhileError):
        await administration.block(as_admin(), await users.get(user.id), None)
    assert (await administration.block(as_admin(), user, False)).is_blocked is False


async def test_rollback_reverts_only_the_own_change(users: Contested, administration: Administration) -> None:
    last = await added(users, Role.ADMIN)
    users.meanwhile = (last, {"is_blocked": True})
    with pytest.raises(LastAdminError):
        await administration.give_role(as_admin(), last, Role.USER)
    after = await users.get(last.id)
    assert (after.role, after.is_blocked) == (Role.ADMIN, True)
    await users.change(last.id, {"is_blocked": False})
    users.meanwhile = (last, {"role": Role.ARTIST})
    with pytest.raises(LastAdminError):
        await administration.block(as_admin(), last, None)
    after = await users.get(last.id)
    assert (after.role, after.is_blocked) == (Role.ARTIST, False)


async def test_admins_stay_while_they_cannot_be_counted(
    users: Contested, administration: Administration
) -> None:
    last = await added(users, Role.ADMIN)
    users.can_count = False
    with pytest.raises(UnavailableError):
        await administration.block(as_admin(), last, True)
    with pytest.raises(UnavailableError):
        await administration.give_role(as_admin(), last, Role.ARTIST)
    with pytest.raises(UnavailableError):
        await administration.delete(as_admin(), last)
    after = await users.get(last.id)
    assert (after.role, after.is_blocked) == (Role.ADMIN, False)


@pytest.mark.parametrize(
    "write",
    [
        lambda administration, user: administration.block(as_admin(), user, True),
        lambda administration, user: administration.give_role(as_admin(), user, Role.ARTIST),
        lambda administration, user: administration.delete(as_admin(), user),
    ],
    ids=["blocked", "another role", "deleted"],
)
async def test_stored_user_change_invalidates_despite_lost_response(
    users: Contested,
    administration: Administration,
    redis: MemoryCache,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Administration, User], Awaitable[object]],
) -> None:
    user = await added(users, Role.USER)
    before = len(redis.renewals)
    lose_responses(monkeypatch, users, "change", "remove")
    with pytest.raises(UnavailableError):
        await write(administration, user)
    assert (f"user:{user.clerk_id}",) in redis.renewals[before:]
