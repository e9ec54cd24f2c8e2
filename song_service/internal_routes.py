"""`/internal`: calls of the user service. The gateway forwards none of them."""

from fastapi import APIRouter, Response

from shared.access.guards import CallingService
from shared.contracts.accounts import ProfileChange, Remaining
from shared.http.json_stream import stream_json
from song_service.dependencies import Accounts, Export, UserId

router = APIRouter(prefix="/internal/users", include_in_schema=False)


@router.put("/{user_id}/profile", status_code=204)
async def change_profile(
    user_id: UserId, change: ProfileChange, _: CallingService, accounts: Accounts
) -> None:
    await accounts.rename(user_id, change.full_name)


@router.delete("/{user_id}")
async def delete_account(user_id: UserId, _: CallingService, accounts: Accounts) -> Remaining:
    return Remaining(remaining=await accounts.delete(user_id))


@router.get("/{user_id}/export")
async def export_account(user_id: UserId, _: CallingService, export: Export) -> Response:
    return await stream_json(export.of(user_id), {})
