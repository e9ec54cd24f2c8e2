"""Reads profiles from Clerk's user records."""

from collections.abc import Mapping
from typing import Any

import httpx
from clerk_backend_api import Clerk, models
from pydantic import ValidationError

from shared.clock import from_millis
from shared.errors import MalformedError, UnavailableError
from shared.text import UnreadableTextError, clean_text
from user_service.domain import Profile


class ClerkIdentityProvider:
    """Implements IdentityProvider."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk

    async def delete(self, clerk_id: str) -> None:
        try:
            await self._clerk.users.delete_async(user_id=clerk_id)
        except models.ClerkBaseError as failure:
            if failure.status_code != 404:
                raise _unavailable() from failure
        except httpx.HTTPError as failure:
            raise _unavailable() from failure

    async def profile(self, clerk_id: str) -> Profile | None:
        try:
            record = await self._clerk.users.get_async(user_id=clerk_id)
        except models.ClerkBaseError as failure:
            if failure.status_code == 404:
                return None
            raise _unavailable() from failure
        except httpx.HTTPError as failure:
            raise _unavailable() from failure
        return profile_of(record)


def profile_in(data: Mapping[str, Any]) -> Profile:
    """The profile in a record as Clerk's webhooks carry it.

    Raises:
        MalformedError: it is not one.
    """
    try:
        return profile_of(models.User.model_validate(data))
    except ValidationError as failure:
        raise MalformedError("This does not describe a user") from failure


def profile_of(record: models.User) -> Profile:
    """The profile in Clerk's record. Only the primary e-mail address counts, and who verified it."""
    primary = next(
        (each for each in record.email_addresses if each.id and each.id == record.primary_email_address_id),
        None,
    )
    names = [part for part in (record.first_name, record.last_name) if part]
    verification = primary.verification if primary else None
    return Profile(
        full_name=_readable(" ".join(names)) or _readable(record.username or ""),
        email=primary.email_address.lower() if primary else None,
        email_is_verified=getattr(getattr(verification, "status", None), "value", None) == "verified",
        image_url=record.image_url or None,
        updated_at=from_millis(record.updated_at),
    )


def _readable(name: str) -> str | None:
    """The name as it is stored; None for an unreadable one, which Clerk accepts and we do not."""
    try:
        return clean_text(name) or None
    except UnreadableTextError:
        return None


def _unavailable() -> UnavailableError:
    return UnavailableError("The identity provider is not available now")
