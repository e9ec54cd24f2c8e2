"""What the routes of the user service need, named once. The only reader of `request.state` here."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from shared.access.caller import Caller
from shared.access.guards import Access, Allowed, AnyCaller, CurrentSession
from shared.access.permissions import Permission, Role
from shared.http.health import Probe
from shared.http.pagination import Page, page_of_request
from shared.ids import is_id
from user_service.administration import Administration
from user_service.domain import UserNotFoundError
from user_service.ports import UserFilter, UserRepository
from user_service.registration import Registrar
from user_service.settings import UserSettings


@dataclass(frozen=True, slots=True)
class Resources:
    """What the app is a function of. Built by wiring.py, or by whoever runs the service elsewhere."""

    access: Access
    settings: UserSettings
    users: UserRepository
    registrar: Registrar
    administration: Administration
    probes: dict[str, Probe]


def resources(request: Request) -> Resources:
    """What this app was built with."""
    found = request.state.resources
    assert isinstance(found, Resources)  # noqa: S101 - narrows the type of untyped state
    return found


def _user_id(user_id: Annotated[str, Path(description="24 hexadecimal characters")]) -> str:
    if not is_id(user_id):
        raise UserNotFoundError
    return user_id.lower()


def _user_filter(
    role: Annotated[Role | None, Query(description="Only users of this role")] = None,
    is_blocked: Annotated[bool | None, Query(alias="isBlocked", description="Only (un)blocked users")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Part of a name or an e-mail")] = None,
) -> UserFilter:
    return UserFilter(role=role, is_blocked=is_blocked, text=q or None)


Needs = Annotated[Resources, Depends(resources)]
UserId = Annotated[str, Depends(_user_id)]
WantedUsers = Annotated[UserFilter, Depends(_user_filter)]
WantedPage = Annotated[Page, Depends(page_of_request)]

Anyone = AnyCaller
SignedIn = CurrentSession
Admin = Annotated[Caller, Depends(Allowed(Permission.MANAGE_USERS))]
