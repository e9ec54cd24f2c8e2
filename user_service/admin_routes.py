"""`/admin/users`: what only admins do with users."""

from fastapi import APIRouter, Request, Response

from shared.access.guards import DOCUMENTED_SECURITY
from shared.http.openapi import LISTED, refusals
from shared.http.pagination import split_page
from shared.http.responses import list_answer
from shared.http.rows import Rows
from shared.http.schemas import Message
from user_service.dependencies import Admin, Needs, UserId, WantedPage, WantedUsers
from user_service.schemas import BlockBody, RoleBody, UserOut, user_out

router = APIRouter(prefix="/admin/users", tags=["admin"], dependencies=DOCUMENTED_SECURITY)


@router.get("", summary="All users", response_model=list[UserOut], responses=LISTED)
async def all_users(
    request: Request, wanted: WantedUsers, page: WantedPage, _: Admin, needs: Needs
) -> Response:
    part = page.to_slice(needs.settings.whole_list_limit)
    shown, next_cursor = split_page(await needs.users.list(wanted, part), part)
    total = await needs.users.count(wanted) if page.total else None
    rows = Rows([user_out(user).model_dump_json(by_alias=True).encode() for user in shown], next_cursor)
    return list_answer(request, rows, page, total, filters=("role", "isBlocked", "q"))


@router.patch("/{user_id}/block", summary="Flip or set isBlocked", responses=refusals(409))
async def block_user(user_id: UserId, admin: Admin, needs: Needs, body: BlockBody | None = None) -> UserOut:
    user = await needs.users.get(user_id)
    return user_out(await needs.administration.block(admin, user, body.is_blocked if body else None))


@router.patch("/{user_id}/role", summary="Give a role", responses=refusals(409))
async def give_role(user_id: UserId, body: RoleBody, admin: Admin, needs: Needs) -> UserOut:
    user = await needs.users.get(user_id)
    return user_out(await needs.administration.give_role(admin, user, body.role))


@router.delete("/{user_id}", summary="Delete a user; what they made stays", responses=refusals(409))
async def delete_user(user_id: UserId, admin: Admin, needs: Needs) -> Message:
    await needs.administration.delete(admin, await needs.users.get(user_id))
    return Message(message="User deleted successfully")
