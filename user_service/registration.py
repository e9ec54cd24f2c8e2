"""How people become users.

The identity provider's record takes precedence over the request, and only a verified e-mail makes an admin.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial

import structlog

from shared.access.caller import BlockedError, InvalidTokenError
from shared.access.guards import Session
from shared.access.permissions import Role
from shared.cache.writes import Writes
from shared.clock import now
from shared.errors import REQUIRED, FieldError, InvalidError, UnavailableError
from shared.ids import new_id
from shared.text import UnreadableTextError, clean_text
from user_service import policy
from user_service.caching import Invalidation
from user_service.domain import AlreadyRegisteredError, Profile, UnprovedEmailError, User
from user_service.ports import IdentityProvider, UserFilter, UserRepository
from user_service.profiles import Profiles
from user_service.schemas import LONGEST_NAME, Registration

log = structlog.stdlib.get_logger(__name__)

_UNKNOWN = Profile(full_name=None, email=None, email_is_verified=False, image_url=None)


@dataclass(frozen=True, slots=True)
class Registered:
    """A user, and whether this registration made it."""

    user: User
    is_new: bool


class Registrar:
    """Registers people, each once."""

    def __init__(
        self,
        users: UserRepository,
        identities: IdentityProvider,
        profiles: Profiles,
        invalidation: Invalidation,
        writes: Writes,
        admin_emails: Sequence[str],
    ) -> None:
        self._users = users
        self._identities = identities
        self._profiles = profiles
        self._invalidation = invalidation
        self._writes = writes
        self._admin_emails = frozenset(admin_emails)

    async def register(self, session: Session, requested: Registration) -> Registered:
        """The user of this session, made now unless they registered before.

        Raises:
            OtherIdentityError, RoleNotGrantedError: the caller may not request this.
            BlockedError: an admin blocked them, or did before they were deleted.
            InvalidTokenError: they are new, and the identity provider has no such account (any more).
            InvalidError: neither the identity provider nor the request has an e-mail address.
            UnprovedEmailError: their e-mail would make them an admin, and is not verified.
            UnavailableError: the same, and the identity provider is down.
            EmailTakenError: they are new, and another account has their e-mail.
        """
        policy.check_may_register(session.identity.clerk_id, requested.clerk_id, requested.role)
        known = await self._users.find_by_clerk_id(session.identity.clerk_id)
        if known is not None and known.is_blocked:
            raise BlockedError
        profile = await self._profile(session.identity.clerk_id)
        if known is not None:
            return Registered(await self._brought_up_to_date(known, profile or _UNKNOWN), is_new=False)
        if profile is None:
            raise InvalidTokenError
        user = _new_user(session.identity.clerk_id, profile, requested)
        if await self._users.was_removed_blocked(user.clerk_id, user.email):
            raise BlockedError
        self._check_proved(user, profile)
        if self._is_admin_by_email(profile):
            user = replace(user, role=Role.ADMIN)
        try:
            async with self._write(user):
                await self._users.add(user)
        except AlreadyRegisteredError:  # by another request at the same time
            found = await self._users.find_by_clerk_id(user.clerk_id)
            if found is None:
                raise
            return Registered(found, is_new=False)
        return Registered(user, is_new=True)

    async def _profile(self, clerk_id: str) -> Profile | None:
        """The identity provider's record; None if it has none, `_UNKNOWN` while it is down."""
        try:
            return await self._identities.profile(clerk_id)
        except UnavailableError:
            log.warning("registering without the identity provider", clerk_id=clerk_id)
            return _UNKNOWN

    def _check_proved(self, user: User, profile: Profile) -> None:
        """An admin's address is reserved for somebody who can prove it: otherwise it would be taken when its
        owner registers.
        """
        if user.email not in self._admin_emails or profile.email_is_verified:
            return
        if profile is _UNKNOWN:
            raise UnavailableError("This e-mail address cannot be verified now; try again later")
        raise UnprovedEmailError

    def _is_admin_by_email(self, profile: Profile) -> bool:
        return profile.email_is_verified and profile.email in self._admin_emails

    async def _brought_up_to_date(self, user: User, profile: Profile) -> User:
        """Apply changes at the identity provider, and make the first admin of a system that has none."""
        user = await self._profiles.apply(user, profile)
        if (
            not self._is_admin_by_email(profile)
            or user.role is Role.ADMIN
            or user.is_blocked
            or await self._users.count(UserFilter(role=Role.ADMIN, is_blocked=False)) > 0
        ):
            return user
        async with self._write(user):
            return await self._users.change(user.id, {"role": Role.ADMIN})

    def _write(self, user: User) -> AbstractAsyncContextManager[None]:
        """A context manager around each write of the user."""
        return self._writes.then(partial(self._invalidation.user_changed, user))


def _new_user(clerk_id: str, profile: Profile, requested: Registration) -> User:
    email = profile.email or (requested.email.lower() if requested.email else None)
    if not email:
        raise InvalidError.of(FieldError("email", REQUIRED))
    moment = now()
    return User(
        id=new_id(),
        clerk_id=clerk_id,
        full_name=profile.full_name or requested.full_name or _name_from(email),
        email=email,
        image_url=profile.image_url or requested.image_url or "",
        role=Role.USER,
        is_blocked=False,
        created_at=moment,
        updated_at=moment,
    )


def _name_from(email: str) -> str:
    """The part before the @, if it is readable: for users without a name."""
    try:
        return clean_text(email.partition("@")[0][:LONGEST_NAME]) or email[:LONGEST_NAME]
    except UnreadableTextError:
        return email[:LONGEST_NAME]
