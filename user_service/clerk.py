"""Reads profiles from Clerk's user records."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import httpx
from clerk_backend_api import Clerk, models
from pydantic import BaseModel, Field, ValidationError

from shared.clock import from_millis
from shared.errors import MalformedError, UnavailableError
from shared.providers.counted_calls import CountedCalls
from shared.text import UnreadableTextError, clean_text
from user_service.domain import Profile

MOST_MILLIS = 253_402_300_799_999
"""The end of the year 9999."""


_counted = CountedCalls("clerk")


class _Verification(BaseModel):
    status: str | None = None


class _EmailAddress(BaseModel):
    id: str | None = None
    email_address: str
    verification: _Verification | None = None


class _WebhookRecord(BaseModel):
    """The fields of a user's record in a webhook that are read here.

    The SDK's models describe the Backend API. They require members that webhooks lack, such as the `object`
    of a verification.
    """

    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    image_url: str | None = None
    primary_email_address_id: str | None = None
    email_addresses: Sequence[_EmailAddress] = ()
    updated_at: Annotated[int, Field(ge=0, le=MOST_MILLIS)]


class ClerkIdentityProvider:
    """Implements IdentityProvider."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk

    @_counted
    async def delete(self, clerk_id: str) -> None:
        try:
            await self._clerk.users.delete_async(user_id=clerk_id)
        except models.ClerkBaseError as failure:
            if failure.status_code != 404:
                raise _unavailable() from failure
        except httpx.HTTPError as failure:
            raise _unavailable() from failure

    @_counted
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
        return profile_of(_WebhookRecord.model_validate(data))
    except ValidationError as failure:
        raise MalformedError("The user record is not valid") from failure


def profile_of(record: models.User | _WebhookRecord) -> Profile:
    """The profile in Clerk's record. Only the primary e-mail address counts, and who verified it."""
    primary = next(
        (each for each in record.email_addresses if each.id and each.id == record.primary_email_address_id),
        None,
    )
    names = [part for part in (record.first_name, record.last_name) if part]
    status = getattr(primary.verification, "status", None) if primary else None
    return Profile(
        full_name=_readable(" ".join(names)) or _readable(record.username or ""),
        email=primary.email_address.lower() if primary else None,
        email_is_verified=status == "verified",
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
