"""The ports of the user service: what it needs from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypedDict, overload

from shared.access.permissions import Role
from shared.http.pagination import Slice
from user_service.domain import Profile, User

WEBHOOKS_KEPT = timedelta(days=7)
"""Svix repeats a message for less than two days."""


@dataclass(frozen=True, slots=True)
class UserFilter:
    """A filter of users; None does not filter. `text` is a part of name or e-mail, folded."""

    role: Role | None = None
    is_blocked: bool | None = None
    text: str | None = None


class UserChanges(TypedDict, total=False):
    """Changes of a user; absent fields stay unchanged."""

    full_name: str
    email: str
    image_url: str
    role: Role
    is_blocked: bool


class UserRepository(Protocol):
    """The users. Lists are ordered by (`created_at`, `id`), descending."""

    async def add(self, user: User) -> None:
        """Store a new user.

        Raises:
            AlreadyRegisteredError: its `clerk_id` is there already.
            EmailTakenError: its `email` is.
        """
        ...

    async def get(self, user_id: str) -> User:
        """Raises UserNotFoundError."""
        ...

    async def find_by_clerk_id(self, clerk_id: str) -> User | None:
        """The user with this identity, if anybody registered with it."""
        ...

    async def list(self, wanted: UserFilter, part: Slice) -> Sequence[User]:
        """Users that `wanted` describes, newest first."""
        ...

    async def count(self, wanted: UserFilter) -> int:
        """The number of users that `wanted` describes."""
        ...

    @overload
    async def change(self, user_id: str, changes: UserChanges) -> User: ...

    @overload
    async def change(self, user_id: str, changes: UserChanges, *, if_blocked: bool | None) -> User | None: ...

    async def change(
        self, user_id: str, changes: UserChanges, *, if_blocked: bool | None = None
    ) -> User | None:
        """Store `changes` atomically, with a new `updated_at`. Returns the changed user.

        With `if_blocked`, only while `is_blocked` has that value: otherwise returns None and changes nothing.

        Raises:
            UserNotFoundError: there is no such user.
            EmailTakenError: the new e-mail belongs to another user.
        """
        ...

    async def apply_profile(
        self, user_id: str, changes: UserChanges, profile_at: datetime | None
    ) -> User | None:
        """Store the identity provider's record of `profile_at`; returns None if a later one is stored.

        `updated_at` moves if there are changes.

        Raises:
            UserNotFoundError: there is no such user.
            EmailTakenError: the new e-mail belongs to another user.
        """
        ...

    async def remove(self, user_id: str) -> None:
        """Remove the user; of a blocked one the block is kept.

        Raises:
            UserNotFoundError: there is no such user.
            UserChangedMeanwhileError: concurrent changes exceeded the attempts.
        """
        ...

    async def was_removed_blocked(self, clerk_id: str, email: str) -> bool:
        """Whether a user with this identity, or this e-mail address, was blocked when they were removed."""
        ...


class ProcessedWebhooks(Protocol):
    """The ids of processed webhooks, each kept for `WEBHOOKS_KEPT`. All calls raise UnavailableError."""

    async def contains(self, message_id: str) -> bool:
        """Whether this webhook was processed."""
        ...

    async def add(self, message_id: str) -> None:
        """This webhook was processed. Idempotent."""
        ...


class IdentityProvider(Protocol):
    """The identity provider."""

    async def delete(self, clerk_id: str) -> None:
        """Delete the person's account there. Idempotent. Raises UnavailableError."""
        ...

    async def profile(self, clerk_id: str) -> Profile | None:
        """The person's profile; None when it has no such account.

        Raises:
            UnavailableError: it is down.
        """
        ...
