"""`/auth` and `/users`: registration, accounts and profiles."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shared.access.permissions import Permission, Role
from shared.clock import now
from shared.contracts.accounts import AccountExport
from shared.contracts.users import PublicUser, UserOut
from shared.http.idempotency import IdempotentRoute
from shared.http.json_stream import stream_json
from shared.http.openapi import SEARCHED, refusals
from shared.http.responses import list_response, own_response
from shared.http.schemas import Message
from shared.http.searching import SearchText, search_response
from user_service import policy
from user_service.dependencies import (
    AccountOwner,
    Accounts,
    Anyone,
    Audit,
    Export,
    Exporter,
    OwnAccount,
    Registrar,
    Searching,
    SignedIn,
    UserId,
    Users,
    Visitor,
    WantedPage,
)
from user_service.schemas import Registration, public_user, user_out

router = APIRouter(tags=["users"], route_class=IdempotentRoute)

ATTACHMENT = {"Content-Disposition": {"description": "Suggests a file name", "schema": {"type": "string"}}}


@router.post(
    "/auth/register",
    status_code=201,
    summary="Register; 200 with the user if already registered",
    responses={200: {"model": UserOut}, **refusals(403, 409)},
)
async def register(
    requested: Registration, session: SignedIn, registrar: Registrar, response: Response
) -> UserOut:
    registered = await registrar.register(session, requested)
    if not registered.is_new:
        response.status_code = 200
    return user_out(registered.user)


@router.get(
    "/auth/me",
    summary="The caller's user, blocked or not",
    response_model=UserOut,
    responses=refusals(404),
)
async def me(request: Request, session: SignedIn, own_account: OwnAccount) -> Response:
    return own_response(request, await own_account.of(session.identity))


@router.get(
    "/auth/me/export",
    summary="Everything that is stored about the caller, as a file",
    response_model=AccountExport,
    responses={200: {"headers": ATTACHMENT}, **refusals(404)},
)
async def export_me(exporter: Exporter, export: Export) -> Response:
    name = f"account-{now():%Y-%m-%d}.json"
    return await stream_json(
        export.of(exporter.id), {"Content-Disposition": f'attachment; filename="{name}"'}
    )


@router.get(
    "/users",
    summary="Artists: all, or a search by name; other roles for admins",
    response_model=list[PublicUser],
    responses={**SEARCHED, **refusals(403)},
)
async def public_users(
    request: Request,
    page: WantedPage,
    visitor: Visitor,
    searching: Searching,
    q: SearchText = None,
    role: Annotated[Role, Query(description="Others than `artist` are listed for admins")] = Role.ARTIST,
) -> Response:
    if role is Role.ARTIST:
        rows, found = await searching.artists(q or "", page)
        return search_response(request, rows, page, found, ("q", "role"))
    await visitor.must(Permission.MANAGE_USERS)
    rows, total = await searching.of_role(role, q or "", page)
    return list_response(request, rows, page, total, ("q", "role"))


@router.delete(
    "/auth/me",
    status_code=202,
    summary="Delete the caller's account, and soon all its content",
    responses=refusals(409),
)
async def delete_me(owner: AccountOwner, users: Users, accounts: Accounts, audit: Audit) -> Message:
    user = await users.get(owner.id)
    async with audit.record(user.id, "account.delete", user.id):
        await accounts.delete(user)
    return Message(message="Your account is deleted")


@router.get("/users/{user_id}", summary="A public profile; the whole user for that user and for admins")
async def one_user(user_id: UserId, caller: Anyone, users: Users, response: Response) -> UserOut | PublicUser:
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    user = await users.get(user_id)
    return user_out(user) if policy.sees_all_of(caller, user) else public_user(user)
