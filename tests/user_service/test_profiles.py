"""Reading Clerk's user records, and what unverified e-mail addresses permit."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clerk_backend_api import models

from embedded.cloud.clerk.accounts import Account
from embedded.cloud.clerk.app import user_record
from embedded.sqlite import schemas
from embedded.sqlite.database import open_database
from embedded.sqlite.users import SqliteUsers
from shared.access.caller import BlockedError, Identity, InvalidTokenError
from shared.access.guards import Session
from shared.access.permissions import Role
from shared.cache.read_through import ReadThrough, open_read_through
from shared.cache.writes import Writes
from shared.clock import to_iso
from shared.errors import MalformedError, UnavailableError
from tests.shared.memory_cache import MemoryCache
from tests.user_service.test_applied_profiles import Names
from user_service.caching import Invalidation
from user_service.clerk import profile_in, profile_of
from user_service.domain import EmailTakenError, Profile, UnprovedEmailError, User
from user_service.profiles import Profiles
from user_service.registration import Registrar
from user_service.schemas import Registration

BOSS = "boss@example.org"


@dataclass
class Provider:
    """An identity provider that knows this of everybody; without it, it cannot be asked."""

    known: Profile | None

    async def delete(self, clerk_id: str) -> None:
        self.known = None

    async def profile(self, clerk_id: str) -> Profile | None:
        if self.known is None:
            raise UnavailableError("The identity provider is not available now")
        return self.known


class NobodyKnown(Provider):
    """An identity provider without any account."""

    async def profile(self, clerk_id: str) -> Profile | None:
        return None


def profile(*, email: str | None, verified: bool) -> Profile:
    return Profile(full_name="B", email=email, email_is_verified=verified, image_url=None)


@pytest.fixture
async def cache() -> AsyncIterator[ReadThrough]:
    async with open_read_through(MemoryCache()) as through:
        yield through


@pytest.fixture
async def users(tmp_path: Path) -> AsyncIterator[SqliteUsers]:
    async with open_database(tmp_path / "users.sqlite", schemas.USERS) as database:
        yield SqliteUsers(database)


async def registered(
    users: SqliteUsers, cache: ReadThrough, known: Profile | None, clerk_id: str = "user_b", **said: Any
) -> User:
    return await registered_by(Provider(known), users, cache, clerk_id, **said)


async def registered_by(
    identities: Provider, users: SqliteUsers, cache: ReadThrough, clerk_id: str, **said: Any
) -> User:
    invalidation, writes = Invalidation(cache), Writes()
    profiles = Profiles(users, identities, invalidation, writes, Names(), MemoryCache(), 60)
    registrar = Registrar(users, identities, profiles, invalidation, writes, [BOSS])
    requested = Registration.model_validate({"clerkId": clerk_id, **said})
    session = Session(Identity(clerk_id, 4_000_000_000), "token")
    return (await registrar.register(session, requested)).user


async def registered_role(
    users: SqliteUsers, cache: ReadThrough, known: Profile | None, said: str | None = None
) -> Role:
    return (await registered(users, cache, known, fullName="B", email=said)).role


async def test_verified_admin_email_grants_the_admin_role(users: SqliteUsers, cache: ReadThrough) -> None:
    assert await registered_role(users, cache, profile(email=BOSS, verified=True)) is Role.ADMIN


@pytest.mark.parametrize("known_email", [BOSS, None])
async def test_unverified_admin_email_is_refused(
    known_email: str | None, users: SqliteUsers, cache: ReadThrough
) -> None:
    with pytest.raises(UnprovedEmailError):
        await registered_role(users, cache, profile(email=known_email, verified=False), BOSS.upper())
    assert await users.find_by_clerk_id("user_b") is None


async def test_admin_email_needs_an_available_provider(users: SqliteUsers, cache: ReadThrough) -> None:
    with pytest.raises(UnavailableError):
        await registered_role(users, cache, None, BOSS)
    assert await users.find_by_clerk_id("user_b") is None


async def test_deleted_identity_cannot_register(users: SqliteUsers, cache: ReadThrough) -> None:
    known = await registered(users, cache, profile(email="b@example.org", verified=True))
    with pytest.raises(InvalidTokenError):
        await registered_by(NobodyKnown(None), users, cache, "user_gone", email="gone@example.org")
    assert await users.find_by_clerk_id("user_gone") is None
    assert (await registered_by(NobodyKnown(None), users, cache, known.clerk_id)).id == known.id


async def test_other_emails_need_no_verification(users: SqliteUsers, cache: ReadThrough) -> None:
    assert await registered_role(users, cache, profile(email="b@example.org", verified=False)) is Role.USER


async def test_unverified_admin_email_never_promotes_later(users: SqliteUsers, cache: ReadThrough) -> None:
    await registered_role(users, cache, profile(email="b@example.org", verified=True))
    assert await registered_role(users, cache, profile(email=BOSS, verified=False), BOSS) is Role.USER
    again = await users.find_by_clerk_id("user_b")
    assert again is not None
    assert again.email == "b@example.org"
    assert await registered_role(users, cache, profile(email=BOSS, verified=True)) is Role.ADMIN


@pytest.mark.parametrize("said", [{}, {"fullName": " \t"}, {"fullName": "", "imageUrl": " ", "email": ""}])
async def test_missing_name_defaults_to_the_email(
    said: dict[str, str], users: SqliteUsers, cache: ReadThrough
) -> None:
    known = Profile(full_name=None, email="bo.b@example.org", email_is_verified=True, image_url=None)
    user = await registered(users, cache, known, **said)
    assert (user.full_name, user.email, user.image_url) == ("bo.b", "bo.b@example.org", "")
    named = Profile(full_name="Bo B", email=None, email_is_verified=False, image_url=None)
    assert (await registered(users, cache, named)).full_name == "Bo B"


async def test_email_of_another_account_blocks_no_login(users: SqliteUsers, cache: ReadThrough) -> None:
    await registered(users, cache, profile(email="a@example.org", verified=True), "user_a")
    before = await registered(users, cache, profile(email="b@example.org", verified=True))
    moved = Profile(full_name="Bo", email="a@example.org", email_is_verified=True, image_url=None)
    after = await registered(users, cache, moved)
    assert (after.id, after.email, after.full_name) == (before.id, "b@example.org", "Bo")
    assert (await registered(users, cache, moved)).email == "b@example.org"
    with pytest.raises(EmailTakenError):
        await registered(users, cache, moved, "user_c")


def record(**changed: Any) -> models.User:
    account = Account("user_b", BOSS, "idn_1", "Bo Boss", 0, 0)
    return models.User.model_validate({**user_record(account, "https://example.org/b.png"), **changed})


def addresses(*of: tuple[str, str, str]) -> list[dict[str, Any]]:
    """E-mail addresses as Clerk lists them, from (id, address, status of its verification)."""
    (whole,) = user_record(Account("u", "x@y.org", "idn", "X", 0, 0), "")["email_addresses"]
    return [
        {
            **whole,
            "id": address_id,
            "email_address": address,
            "verification": {**whole["verification"], "status": status},
        }
        for address_id, address, status in of
    ]


def test_profile_is_read_from_the_clerk_record() -> None:
    assert profile_of(record()) == Profile("Bo Boss", BOSS, True, "https://example.org/b.png")


@pytest.mark.parametrize("status", ["unverified", "expired"])
def test_only_verified_status_verifies_an_email(status: str) -> None:
    found = profile_of(record(email_addresses=addresses(("idn_1", BOSS, status))))
    assert (found.email, found.email_is_verified) == (BOSS, False)


def test_only_the_primary_email_counts() -> None:
    two = addresses(("idn_2", BOSS, "verified"), ("idn_1", "Bo@Example.org", "unverified"))
    found = profile_of(record(email_addresses=two))
    assert (found.email, found.email_is_verified) == ("bo@example.org", False)
    none = profile_of(record(email_addresses=two, primary_email_address_id=None))
    assert (none.email, none.email_is_verified) == (None, False)


def test_user_name_replaces_a_missing_name() -> None:
    assert profile_of(record(first_name=None, last_name=None, username="bo")).full_name == "bo"
    assert profile_of(record(first_name=None, last_name=None, username=None)).full_name is None


def test_unreadable_name_counts_as_missing() -> None:
    assert profile_of(record(first_name="\u3164", last_name="\u2800", username="bo")).full_name == "bo"
    assert profile_of(record(first_name="A\u2028B", last_name=None, username=None)).full_name is None
    assert profile_of(record(first_name="Jose\u0301", last_name=None)).full_name == "Jos\u00e9"


def documented_webhook() -> dict[str, Any]:
    """The user in Clerk's documented example of a webhook, cut to what is read, and more of its kind."""
    return {
        "id": "user_29w83sxmDNGwOuEthce5gg56FcC",
        "object": "user",
        "birthday": "",
        "first_name": "Example",
        "last_name": "Example",
        "username": None,
        "image_url": "https://img.clerk.com/xxxxxx",
        "primary_email_address_id": "idn_29w83yL7CwVlJXylYLxcslromF1",
        "email_addresses": [
            {
                "email_address": "Example@example.org",
                "id": "idn_29w83yL7CwVlJXylYLxcslromF1",
                "linked_to": [],
                "object": "email_address",
                "verification": {"status": "verified", "strategy": "ticket"},
            }
        ],
        "updated_at": 1654012591835,
    }


def test_profile_is_read_from_documented_webhooks() -> None:
    found = profile_in(documented_webhook())
    assert found == Profile("Example Example", "example@example.org", True, "https://img.clerk.com/xxxxxx")
    assert found.updated_at is not None
    assert to_iso(found.updated_at) == "2022-05-31T15:56:31.835Z"
    (address,) = documented_webhook()["email_addresses"]
    unproved = profile_in(documented_webhook() | {"email_addresses": [address | {"verification": None}]})
    assert (unproved.email, unproved.email_is_verified) == ("example@example.org", False)


@pytest.mark.parametrize(
    "changed", [{"updated_at": 10**30}, {"updated_at": None}, {"email_addresses": "x"}, {"first_name": 5}]
)
def test_malformed_webhook_describes_nobody(changed: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        profile_in(documented_webhook() | changed)


@pytest.mark.parametrize("clerk_id", ["user_b", "user_of_a_new_account"])
async def test_block_survives_deletion(users: SqliteUsers, cache: ReadThrough, clerk_id: str) -> None:
    known = profile(email="b@example.org", verified=True)
    blocked = await registered(users, cache, known)
    await users.change(blocked.id, {"is_blocked": True})
    await users.remove(blocked.id)
    with pytest.raises(BlockedError):
        await registered(users, cache, known, clerk_id)
    other = await registered(users, cache, profile(email="c@example.org", verified=True), "user_c")
    assert other.email == "c@example.org"


async def test_name_from_an_email_is_readable(users: SqliteUsers, cache: ReadThrough) -> None:
    plain = await registered(users, cache, profile_without_name("ada@example.org"), "user_a")
    blank = await registered(users, cache, profile_without_name("\u3164@example.org"), "user_b")
    assert (plain.full_name, blank.full_name) == ("ada", "\u3164@example.org")


def profile_without_name(email: str) -> Profile:
    return Profile(full_name=None, email=email, email_is_verified=True, image_url=None)
