"""`/admin/users`: what only admins do with users."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shared.audit import Fields
from shared.contracts.users import UserOut
from shared.http.audit import AuditEntryOut, TargetId, audit_page
from shared.http.idempotency import IdempotentRoute
from shared.http.openapi import LISTED, refusals
from shared.http.pagination import split_page
from shared.http.responses import list_response
from shared.http.rows import Rows
from shared.http.schemas import Message
from user_service import policy
from user_service.dependencies import (
    Accounts,
    Admin,
    Administration,
    Audit,
    AuditEntries,
    UserId,
    Users,
    WantedPage,
    WantedUsers,
    WholeListLimit,
)
from user_service.schemas import BlockBody, RoleBody, user_out

router = APIRouter(prefix="/admin/users", tags=["admin"], route_class=IdempotentRoute)


@router.get("", summary="All users", response_model=list[UserOut], responses=LISTED)
async def all_users(
    request: Request,
    wanted: WantedUsers,
    page: WantedPage,
    _: Admin,
    users: Users,
    whole_list_limit: WholeListLimit,
) -> Response:
    binding = f"all users {wanted}"
    part = page.to_slice(whole_list_limit, binding)
    shown, next_cursor = split_page(await users.list(wanted, part), part, binding)
    total = await users.count(wanted) if page.total else None
    rows = Rows([user_out(user).model_dump_json(by_alias=True).encode() for user in shown], next_cursor)
    return list_response(request, rows, page, total, filters=("role", "isBlocked", "q"))


@router.get(
    "/audit",
    summary="Changes of users by admins, and deletions of accounts",
    response_model=list[AuditEntryOut],
    responses=LISTED,
)
async def user_audit(
    request: Request, page: WantedPage, _: Admin, entries: AuditEntries, target_id: TargetId = None
) -> Response:
    return await audit_page(request, "users", entries, target_id, page)


@router.patch("/{user_id}/block", summary="Flip or set isBlocked", responses=refusals(409))
async def block_user(
    user_id: UserId,
    admin: Admin,
    users: Users,
    administration: Administration,
    audit: Audit,
    body: BlockBody | None = None,
) -> UserOut:
    user = await users.get(user_id)
    before = {"isBlocked": user.is_blocked}
    async with audit.of_admin(admin, "user.block", user.id, before) as record:
        changed = await administration.block(admin, user, body.is_blocked if body else None)
        record.after = {"isBlocked": changed.is_blocked}
    return user_out(changed)


@router.patch("/{user_id}/role", summary="Give a role", responses=refusals(409))
async def give_role(
    user_id: UserId,
    body: RoleBody,
    admin: Admin,
    users: Users,
    administration: Administration,
    audit: Audit,
) -> UserOut:
    user = await users.get(user_id)
    async with audit.of_admin(admin, "user.role", user.id, {"role": user.role}) as record:
        changed = await administration.give_role(admin, user, body.role)
        record.after = {"role": changed.role}
    return user_out(changed)


@router.delete(
    "/{user_id}", summary="Delete a user; with content=true also all their content", responses=refusals(409)
)
async def delete_user(
    user_id: UserId,
    admin: Admin,
    users: Users,
    administration: Administration,
    accounts: Accounts,
    audit: Audit,
    content: Annotated[bool, Query(description="Also delete songs, albums, likes and history")] = False,
) -> Message:
    user = await users.get(user_id)
    before: Fields = {"role": user.role, "isBlocked": user.is_blocked}
    async with audit.of_admin(admin, "user.delete", user.id, before):
        if content:
            policy.check_not_self(admin, user)
            await accounts.delete(user)
        else:
            await administration.delete(admin, user)
    return Message(message="User deleted successfully")
