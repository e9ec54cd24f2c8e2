"""Permissions: pure functions of the caller and the user."""

from shared.access.caller import Caller, Principal
from shared.access.permissions import Permission, Role
from user_service.domain import (
    OtherIdentityError,
    RoleNotGrantedError,
    SelfChangeError,
    User,
)


def check_may_register(own_clerk_id: str, requested_clerk_id: str, requested_role: str | None) -> None:
    """People register themselves, and as users.

    Raises:
        OtherIdentityError: the token belongs to somebody else.
        RoleNotGrantedError: another role was requested, whether or not it exists.
    """
    if requested_clerk_id != own_clerk_id:
        raise OtherIdentityError
    if requested_role not in (None, Role.USER):
        raise RoleNotGrantedError


def sees_all_of(caller: Principal, user: User) -> bool:
    """Whether the caller sees more of a user than the public profile."""
    return isinstance(caller, Caller) and (caller.id == user.id or caller.may(Permission.MANAGE_USERS))


def check_not_self(caller: Caller, user: User) -> None:
    """Raises SelfChangeError: admins cannot remove their own rights."""
    if caller.id == user.id:
        raise SelfChangeError


def can_act_as_admin(user: User) -> bool:
    """Whether the user is one of the admins that the system needs at least one of."""
    return user.role is Role.ADMIN and not user.is_blocked
