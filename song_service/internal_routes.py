"""`/internal`: what the user service asks for. The gateway forwards none of it."""

from fastapi import APIRouter

from shared.access.guards import CallingService
from shared.contracts.accounts import ProfileChange, Remaining
from song_service.dependencies import Accounts, UserId

router = APIRouter(prefix="/internal/users", include_in_schema=False)


@router.put("/{user_id}/profile", status_code=204)
async def change_profile(
    user_id: UserId, change: ProfileChange, _: CallingService, accounts: Accounts
) -> None:
    await accounts.rename(user_id, change.full_name)


@router.delete("/{user_id}")
async def delete_account(user_id: UserId, _: CallingService, accounts: Accounts) -> Remaining:
    return Remaining(remaining=await accounts.delete(user_id))
