"""Clerk's profiles are applied once, in any order, and refreshed once a minute."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from embedded.sqlite import schemas
from embedded.sqlite.database import open_database
from embedded.sqlite.users import SqliteUsers
from shared.cache.read_through import open_read_through
from shared.cache.writes import Writes
from shared.errors import UnavailableError
from tests.repositories.builders import NOON, a_user, minutes
from tests.shared.lost_responses import lose_responses
from tests.shared.memory_cache import MemoryCache
from user_service.caching import Invalidation
from user_service.domain import Profile, User
from user_service.profiles import Profiles

MINUTE = 60


@dataclass
class Provider:
    """An identity provider that says this; None: it is down."""

    says: Profile | None = None
    hangs: bool = False
    requested: list[str] = field(default_factory=list)

    async def profile(self, clerk_id: str) -> Profile | None:
        self.requested.append(clerk_id)
        if self.hangs:
            await asyncio.Event().wait()
        if self.says is None:
            raise UnavailableError("Down")
        return self.says

    async def delete(self, clerk_id: str) -> None:
        raise UnavailableError("Down")


@dataclass
class Names:
    """A `NameSpreading` that remembers: what was planned before, and what has begun."""

    planned: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)

    async def profile_changes(self, user: User) -> None:
        self.planned.append(user.full_name)

    async def profile_changed(self, user: User) -> None:
        self.begun.append(user.full_name)


class World:
    """A user called Ada, and everything that knows of profiles."""

    def __init__(self, users: SqliteUsers, store: MemoryCache, profiles: Profiles) -> None:
        self.users = users
        self.store = store
        self.profiles = profiles
        self.ada = a_user(full_name="Ada", email="ada@example.org")

    async def stored(self) -> User:
        return await self.users.get(self.ada.id)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def world(tmp_path: Path, provider: Provider, names: Names) -> AsyncIterator[World]:
    store = MemoryCache()
    async with (
        open_database(tmp_path / "users.sqlite", schemas.USERS) as database,
        open_read_through(store) as cache,
    ):
        users = SqliteUsers(database)
        profiles = Profiles(users, provider, Invalidation(cache), Writes(), names, store, MINUTE)
        async with profiles.refreshing():
            made = World(users, store, profiles)
            await users.add(made.ada)
            yield made


def profile(
    name: str | None = "Ada",
    *,
    email: str | None = "ada@example.org",
    verified: bool = True,
    at: datetime | None = None,
) -> Profile:
    return Profile(name, email, verified, "https://images.example.org/ada.png", at)


async def test_new_name_is_stored_and_propagated(world: World, names: Names) -> None:
    changed = await world.profiles.apply(world.ada, profile("Grace", at=NOON))
    assert changed == await world.stored()
    assert (changed.full_name, names.planned, names.begun) == ("Grace", ["Ada"], ["Grace"])
    assert changed.updated_at > world.ada.updated_at
    assert world.store.renewals


async def test_propagation_is_queued_before_the_name_changes(
    world: World, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies in between must not leave songs with the old name."""
    lose_responses(monkeypatch, world.users, "apply_profile")
    with pytest.raises(UnavailableError):
        await world.profiles.apply(world.ada, profile("Grace"))
    assert ((await world.stored()).full_name, names.planned) == ("Grace", ["Ada"])


async def test_same_profile_changes_nothing(world: World, names: Names) -> None:
    for at in (None, NOON, NOON + minutes(1)):
        user = await world.profiles.apply(await world.stored(), profile(at=at))
        assert (user, user.updated_at) == (world.ada, world.ada.updated_at)
    assert names.planned == []


@pytest.mark.parametrize("same_again", [True, False])
async def test_older_record_changes_nothing(world: World, same_again: bool) -> None:
    """Also if the later one says what was said at first."""
    latest = "Ada" if same_again else "Grace"
    await world.profiles.apply(world.ada, profile(latest, at=NOON + minutes(2)))
    late = await world.profiles.apply(await world.stored(), profile("Lovelace", at=NOON + minutes(1)))
    assert late.full_name == (await world.stored()).full_name == latest


async def test_concurrent_records_leave_the_latest(world: World) -> None:
    said = [profile(f"Name {n}", at=NOON + minutes(n)) for n in (3, 1, 5, 2, 4)]
    await asyncio.gather(*(world.profiles.apply(world.ada, each) for each in said))
    assert (await world.stored()).full_name == "Name 5"


async def test_email_must_be_verified_and_free(world: World) -> None:
    await world.users.add(a_user(email="bob@example.org"))
    for refused in (
        profile("Grace", email="new@example.org", verified=False),
        profile("Grace", email="bob@example.org"),
    ):
        changed = await world.profiles.apply(await world.stored(), refused)
        assert (changed.full_name, changed.email) == ("Grace", "ada@example.org")
    changed = await world.profiles.apply(await world.stored(), profile("Grace", email="new@example.org"))
    assert changed.email == "new@example.org"


async def test_fields_unknown_to_provider_are_kept(world: World) -> None:
    assert await world.profiles.apply(world.ada, Profile(None, None, False, None, NOON)) == world.ada


async def refreshed(world: World) -> None:
    """Let what runs in the background end."""
    world.profiles.refresh_later(world.ada.clerk_id)
    async with asyncio.timeout(30):
        while world.profiles.is_refreshing:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.001)


async def test_refresh_applies_the_profile_of_the_provider(world: World, provider: Provider) -> None:
    provider.says = profile("Grace", at=NOON)
    await refreshed(world)
    assert (await world.stored()).full_name == "Grace"


async def test_refresh_asks_once_a_minute(world: World, provider: Provider) -> None:
    provider.says = profile()
    for _ in range(5):
        await refreshed(world)
    assert provider.requested == [world.ada.clerk_id]
    assert world.store.ttls[f"profile-refreshed:{world.ada.id}"] <= MINUTE


async def test_refresh_of_another_replica_counts(world: World, provider: Provider) -> None:
    await world.store.add(f"profile-refreshed:{world.ada.id}", b"", MINUTE)
    await refreshed(world)
    assert provider.requested == []


async def test_refresh_needs_no_store_and_no_provider(world: World, provider: Provider) -> None:
    world.store.is_down = True
    await refreshed(world)
    assert provider.requested == [world.ada.clerk_id]
    assert await world.stored() == world.ada


async def test_refreshes_are_spread(
    world: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("user_service.profiles.REFRESHES_PER_SECOND", 20)
    provider.says = profile()
    others = [a_user(email=f"{number}@example.org") for number in range(4)]
    for each in others:
        await world.users.add(each)
    started_at = time.monotonic()
    for each in others:
        world.profiles.refresh_later(each.clerk_id)
    await refreshed(world)
    assert provider.requested == [*(each.clerk_id for each in others), world.ada.clerk_id]
    assert time.monotonic() - started_at >= 0.2


async def test_refresh_that_would_wait_too_long_is_left_to_a_later_call(
    world: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("user_service.profiles.REFRESHES_PER_SECOND", 1 / (MINUTE + 1))
    provider.says = profile()
    bob = a_user(email="bob@example.org")
    await world.users.add(bob)
    await refreshed(world)
    world.profiles.refresh_later(bob.clerk_id)
    assert not world.profiles.is_refreshing
    assert provider.requested == [world.ada.clerk_id]


async def test_refreshes_end_with_the_process(world: World, provider: Provider) -> None:
    provider.hangs = True
    async with asyncio.timeout(30), world.profiles.refreshing():
        world.profiles.refresh_later(world.ada.clerk_id)
        while not provider.requested:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0)
    assert not world.profiles.is_refreshing
