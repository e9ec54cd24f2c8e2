"""`/admin/users`: what only admins do with users."""

from fastapi import APIRouter, Request, Response

from shared.http.openapi import LISTED, refusals
from shared.http.pagination import split_page
from shared.http.responses import list_answer
from shared.http.rows import Rows
from shared.http.schemas import Message
from user_service.dependencies import (
    Admin,
    Administration,
    UserId,
    Users,
    WantedPage,
    WantedUsers,
    WholeListLimit,
)
from user_service.schemas import BlockBody, RoleBody, UserOut, user_out

router = APIRouter(prefix="/admin/users", tags=["admin"])


@router.get("", summary="All users", response_model=list[UserOut], responses=LISTED)
async def all_users(
    request: Request,
    wanted: WantedUsers,
    page: WantedPage,
    _: Admin,
    users: Users,
    whole_list_limit: WholeListLimit,
) -> Response:
    part = page.to_slice(whole_list_limit)
    shown, next_cursor = split_page(await users.list(wanted, part), part)
    total = await users.count(wanted) if page.total else None
    rows = Rows([user_out(user).model_dump_json(by_alias=True).encode() for user in shown], next_cursor)
    return list_answer(request, rows, page, total, filters=("role", "isBlocked", "q"))


@router.patch("/{user_id}/block", summary="Flip or set isBlocked", responses=refusals(409))
async def block_user(
    user_id: UserId,
    admin: Admin,
    users: Users,
    administration: Administration,
    body: BlockBody | None = None,
) -> UserOut:
    user = await users.get(user_id)
    return user_out(await administration.block(admin, user, body.is_blocked if body else None))


@router.patch("/{user_id}/role", summary="Give a role", responses=refusals(409))
async def give_role(
    user_id: UserId, body: RoleBody, admin: Admin, users: Users, administration: Administration
) -> UserOut:
    user = await users.get(user_id)
    return user_out(await administration.give_role(admin, user, body.role))


@router.delete("/{user_id}", summary="Delete a user; what they made stays", responses=refusals(409))
async def delete_user(user_id: UserId, admin: Admin, users: Users, administration: Administration) -> Message:
    await administration.delete(admin, await users.get(user_id))
    return Message(message="User deleted successfully")
