"""The contract of `UserRepository`."""

import asyncio
from dataclasses import replace

import pytest

from shared.access.permissions import Role
from shared.clock import now
from shared.http.pagination import Slice
from shared.ids import new_id
from tests.repositories.builders import NOON, a_user, minutes
from user_service.domain import AlreadyRegisteredError, EmailTakenError, UserNotFoundError
from user_service.ports import UserFilter, UserRepository

EVERYBODY = UserFilter()
MANY = Slice(100)


async def names(users: UserRepository, wanted: UserFilter) -> set[str]:
    return {user.full_name for user in await users.list(wanted, MANY)}


async def test_user_is_returned_as_stored(users: UserRepository) -> None:
    ada = a_user(full_name="Żółć 雅 🎧", role=Role.ARTIST, is_blocked=True)
    await users.add(ada)
    assert await users.get(ada.id) == ada
    assert await users.find_by_clerk_id(ada.clerk_id) == ada


async def test_ids_are_case_insensitive(users: UserRepository) -> None:
    ada = a_user(user_id="abcdef" * 4)
    await users.add(ada)
    assert await users.get(ada.id.upper()) == ada


@pytest.mark.parametrize("user_id", ["f" * 24, "not-an-id", "", '{"$gt": ""}'])
async def test_unknown_user_is_not_found(users: UserRepository, user_id: str) -> None:
    await users.add(a_user())
    with pytest.raises(UserNotFoundError):
        await users.get(user_id)
    with pytest.raises(UserNotFoundError):
        await users.change(user_id, {"full_name": "Grace"})
    with pytest.raises(UserNotFoundError):
        await users.change(user_id, {"is_blocked": True}, if_blocked=False)
    with pytest.raises(UserNotFoundError):
        await users.remove(user_id)


@pytest.mark.parametrize("clerk_id", ["user_unknown", '{"$gt": ""}', "", "' OR '1' = '1"])
async def test_unregistered_identity_is_not_found(users: UserRepository, clerk_id: str) -> None:
    await users.add(a_user())
    assert await users.find_by_clerk_id(clerk_id) is None


async def test_identity_registers_once(users: UserRepository) -> None:
    ada = a_user()
    await users.add(ada)
    with pytest.raises(AlreadyRegisteredError):
        await users.add(a_user(clerk_id=ada.clerk_id))
    with pytest.raises(AlreadyRegisteredError):
        await users.add(a_user(clerk_id=ada.clerk_id, email=ada.email))
    assert await users.count(EVERYBODY) == 1


async def test_email_belongs_to_one_user(users: UserRepository) -> None:
    ada, grace = a_user(email="ada@example.org"), a_user(full_name="Grace", email="grace@example.org")
    await users.add(ada)
    await users.add(grace)
    with pytest.raises(EmailTakenError):
        await users.add(a_user(email="ada@example.org"))
    with pytest.raises(EmailTakenError):
        await users.change(grace.id, {"email": "ada@example.org", "full_name": "Ada?"})
    assert await users.get(grace.id) == grace


async def test_concurrent_registrations_with_one_email_succeed_once(users: UserRepository) -> None:
    async def register() -> str:
        try:
            await users.add(a_user(email="ada@example.org"))
        except EmailTakenError:
            return "taken"
        return "registered"

    responses = await asyncio.gather(*(register() for _ in range(8)))
    assert sorted(responses) == ["registered"] + ["taken"] * 7
    assert await users.count(EVERYBODY) == 1


async def test_concurrent_registrations_of_one_identity_succeed_once(users: UserRepository) -> None:
    async def register() -> str:
        try:
            await users.add(a_user(clerk_id="user_1", email="ada@example.org"))
        except AlreadyRegisteredError:
            return "already"
        return "registered"

    assert sorted(await asyncio.gather(*(register() for _ in range(8)))) == ["already"] * 7 + ["registered"]


async def test_change_keeps_the_other_fields(users: UserRepository) -> None:
    ada = a_user()
    await users.add(ada)
    before = now()
    changed = await users.change(ada.id, {"full_name": "Grace Hopper", "role": Role.ADMIN})
    assert changed is not None
    assert changed == replace(ada, full_name="Grace Hopper", role=Role.ADMIN, updated_at=changed.updated_at)
    assert changed.updated_at >= before
    assert await users.get(ada.id) == changed


async def test_every_field_can_be_changed(users: UserRepository) -> None:
    ada = a_user()
    await users.add(ada)
    changed = await users.change(
        ada.id,
        {
            "full_name": "Grace",
            "email": "grace@example.org",
            "image_url": "https://images.example.org/grace.png",
            "role": Role.ARTIST,
            "is_blocked": True,
        },
    )
    assert changed == replace(
        ada,
        full_name="Grace",
        email="grace@example.org",
        image_url="https://images.example.org/grace.png",
        role=Role.ARTIST,
        is_blocked=True,
        updated_at=changed.updated_at if changed else NOON,
    )


async def test_block_in_another_state_changes_nothing(users: UserRepository) -> None:
    ada = a_user(is_blocked=True)
    await users.add(ada)
    assert await users.change(ada.id, {"is_blocked": True}, if_blocked=False) is None
    assert await users.get(ada.id) == ada


async def test_concurrent_flips_of_a_block_succeed_once(users: UserRepository) -> None:
    ada = a_user()
    await users.add(ada)
    flips = await asyncio.gather(
        *(users.change(ada.id, {"is_blocked": True}, if_blocked=False) for _ in range(6))
    )
    assert [flip.is_blocked for flip in flips if flip is not None] == [True]


async def test_removed_user_may_register_again(users: UserRepository) -> None:
    ada = a_user()
    await users.add(ada)
    await users.remove(ada.id)
    assert await users.find_by_clerk_id(ada.clerk_id) is None
    assert await users.count(EVERYBODY) == 0
    with pytest.raises(UserNotFoundError):
        await users.remove(ada.id)
    await users.add(ada)
    assert await users.get(ada.id) == ada


async def test_block_of_a_removed_user_is_kept(users: UserRepository) -> None:
    ada = a_user(email="ada@example.org", is_blocked=True)
    await users.add(ada)
    assert not await users.was_removed_blocked(ada.clerk_id, ada.email)
    await users.remove(ada.id)
    assert await users.was_removed_blocked(ada.clerk_id, "other@example.org")
    assert await users.was_removed_blocked("user_other", ada.email)
    assert not await users.was_removed_blocked("user_other", "other@example.org")
    with pytest.raises(UserNotFoundError):
        await users.remove(ada.id)


async def test_removal_of_others_keeps_no_block(users: UserRepository) -> None:
    ada, bill = a_user(), a_user(is_blocked=True)
    for user in (ada, bill):
        await users.add(user)
    await users.change(bill.id, {"is_blocked": False})
    for user in (ada, bill):
        await users.remove(user.id)
        assert not await users.was_removed_blocked(user.clerk_id, user.email)


async def test_state_of_block_at_removal_counts(users: UserRepository) -> None:
    """A first try to remove may have died between keeping the block and removing the user."""
    ada = a_user(is_blocked=True)
    await users.add(ada)
    await users.remove(ada.id)
    await users.add(replace(ada, is_blocked=False))
    await users.remove(ada.id)
    assert not await users.was_removed_blocked(ada.clerk_id, ada.email)


async def test_filters_narrow_lists_and_counts(users: UserRepository) -> None:
    await users.add(a_user(full_name="Ada"))
    await users.add(a_user(full_name="Bill", role=Role.ARTIST))
    await users.add(a_user(full_name="Carla", role=Role.ARTIST, is_blocked=True))
    for wanted, expected in (
        (EVERYBODY, {"Ada", "Bill", "Carla"}),
        (UserFilter(role=Role.ARTIST), {"Bill", "Carla"}),
        (UserFilter(is_blocked=True), {"Carla"}),
        (UserFilter(is_blocked=False), {"Ada", "Bill"}),
        (UserFilter(role=Role.ARTIST, is_blocked=False, text="bi"), {"Bill"}),
        (UserFilter(role=Role.ADMIN), set()),
    ):
        assert await names(users, wanted) == expected
        assert await users.count(wanted) == len(expected)


async def test_earlier_profile_does_not_replace_a_later(users: UserRepository) -> None:
    ada = a_user(full_name="Ada")
    await users.add(ada)
    first = await users.apply_profile(ada.id, {"full_name": "Grace"}, NOON + minutes(2))
    assert first is not None
    assert (first.full_name, first.profile_at) == ("Grace", NOON + minutes(2))
    assert first.updated_at > ada.updated_at
    assert await users.apply_profile(ada.id, {"full_name": "Ada"}, NOON + minutes(1)) is None
    assert (await users.get(ada.id)).full_name == "Grace"
    same = await users.apply_profile(ada.id, {}, NOON + minutes(3))
    assert same is not None
    assert (same, same.profile_at) == (first, NOON + minutes(3))
    unknown = await users.apply_profile(ada.id, {"full_name": "Ada"}, None)
    assert unknown is not None
    assert (unknown.full_name, unknown.profile_at) == ("Ada", NOON + minutes(3))
    with pytest.raises(UserNotFoundError):
        await users.apply_profile(new_id(), {}, NOON)


async def test_profile_with_the_email_of_another_is_refused(users: UserRepository) -> None:
    ada, bill = a_user(), a_user()
    for user in (ada, bill):
        await users.add(user)
    with pytest.raises(EmailTakenError):
        await users.apply_profile(ada.id, {"email": bill.email}, NOON)
    assert await users.get(ada.id) == ada
