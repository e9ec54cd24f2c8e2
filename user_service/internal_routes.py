"""`/internal`: calls of the other services. The gateway forwards none of them."""

from fastapi import APIRouter

from shared.access.guards import CallingService
from shared.contracts.users import UserOut
from user_service.dependencies import UserId, Users
from user_service.schemas import user_out

router = APIRouter(prefix="/internal/users", include_in_schema=False)


@router.get("/{user_id}")
async def user_by_id(user_id: UserId, _: CallingService, users: Users) -> UserOut:
    return user_out(await users.get(user_id))
