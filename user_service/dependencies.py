"""What the routes of the user service depend on, each named once. The only reader of `request.state` here.

Dependencies are asynchronous, for FastAPI runs others in a thread, and have no dependencies of their own.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from shared.access.caller import Caller
from shared.access.guards import Access, Allowed, AnyCaller, AnyVisitor, CurrentSession
from shared.access.permissions import Permission, Role
from shared.audit import AuditRepository, AuditTrail
from shared.http.dependencies import AN_ID, checked_id, part_of
from shared.http.health import Probe
from shared.http.idempotency_keys import IdempotencyKeys
from shared.http.pagination import Page, page_of_request
from shared.search import terms_of
from user_service import accounts, administration, export, own_account, registration, searching, webhooks
from user_service.domain import UserNotFoundError
from user_service.ports import UserFilter, UserRepository
from user_service.settings import UserSettings


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of the app. Built by wiring.py, or by the embedded system."""

    access: Access
    idempotency: IdempotencyKeys
    settings: UserSettings
    audit: AuditRepository
    users: UserRepository
    own_account: own_account.OwnAccount
    registrar: registration.Registrar
    administration: administration.Administration
    searching: searching.PeopleSearching
    export: export.Export
    accounts: accounts.Accounts
    webhooks: webhooks.Webhooks
    probes: dict[str, Probe]


def resources(request: Request) -> Resources:
    """The resources that the lifespan opened."""
    found: Resources = request.state.resources
    return found


_users = part_of(resources, lambda found: found.users)
_own_account = part_of(resources, lambda found: found.own_account)
_registrar = part_of(resources, lambda found: found.registrar)
_administration = part_of(resources, lambda found: found.administration)
_searching = part_of(resources, lambda found: found.searching)
_webhooks = part_of(resources, lambda found: found.webhooks)
_export = part_of(resources, lambda found: found.export)
_accounts = part_of(resources, lambda found: found.accounts)
_whole_list_limit = part_of(resources, lambda found: found.settings.whole_list_limit)
_audit_entries = part_of(resources, lambda found: found.audit)
_audit_trail = part_of(resources, lambda found: AuditTrail(found.audit))


async def _webhook_key(request: Request) -> bytes:
    key = resources(request).settings.webhook_key
    if key is None:
        raise webhooks.WebhooksNotConfiguredError
    return key


async def _user_filter(
    role: Annotated[Role | None, Query(description="Only users of this role")] = None,
    is_blocked: Annotated[bool | None, Query(alias="isBlocked", description="Only (un)blocked users")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Part of a name or an e-mail")] = None,
) -> UserFilter:
    return UserFilter(role=role, is_blocked=is_blocked, text=q if terms_of(q or "") else None)


Users = Annotated[UserRepository, Depends(_users)]
OwnAccount = Annotated[own_account.OwnAccount, Depends(_own_account)]
Registrar = Annotated[registration.Registrar, Depends(_registrar)]
Searching = Annotated[searching.PeopleSearching, Depends(_searching)]
Webhooks = Annotated[webhooks.Webhooks, Depends(_webhooks)]
WebhookKey = Annotated[bytes, Depends(_webhook_key)]
"""The key that signs Clerk's webhooks. WebhooksNotConfiguredError without one."""

Accounts = Annotated[accounts.Accounts, Depends(_accounts)]
Export = Annotated[export.Export, Depends(_export)]
Administration = Annotated[administration.Administration, Depends(_administration)]

WholeListLimit = Annotated[int, Depends(_whole_list_limit)]
"""The most entries of a list that is not paged."""

UserId = Annotated[str, Path(description=AN_ID), checked_id(UserNotFoundError)]
"""An id in the path. UserNotFoundError for a malformed one."""

WantedUsers = Annotated[UserFilter, Depends(_user_filter)]
AuditEntries = Annotated[AuditRepository, Depends(_audit_entries)]
Audit = Annotated[AuditTrail, Depends(_audit_trail)]

WantedPage = Annotated[Page, Depends(page_of_request)]

Anyone = AnyCaller
Visitor = AnyVisitor
SignedIn = CurrentSession
Exporter = Annotated[Caller, Depends(Allowed(Permission.EXPORT_OWN_ACCOUNT))]
AccountOwner = Annotated[Caller, Depends(Allowed(Permission.DELETE_OWN_ACCOUNT))]
Admin = Annotated[Caller, Depends(Allowed(Permission.MANAGE_USERS))]
