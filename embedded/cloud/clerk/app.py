"""The local Clerk: the backend API that its SDK calls, and a sign-in that needs no browser and no password.

`GET /v1/jwks` and `GET /v1/users/{id}` require the secret key, as at Clerk, and return Clerk's shapes.
`POST /sign-in` and `GET /avatars/{id}.png` exist only in the local cloud: Clerk has pages instead.
"""

import asyncio
import hmac
import json
import re
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from embedded.cloud.browser_access import OPEN_TO_BROWSERS, preflight
from embedded.cloud.clerk.accounts import Account, Accounts
from embedded.cloud.clerk.avatars import draw_avatar
from embedded.cloud.clerk.session_tokens import SigningKey, session_claims, utc_now
from embedded.cloud.clerk.webhooks import Webhooks
from embedded.cloud.settings import CloudSettings
from shared.settings import issuer_of

EMAIL = re.compile(r"[^@\s<>\"',;:()\[\]\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
MAX_EMAIL_CHARACTERS = 254
MAX_NAME_CHARACTERS = 100
MAX_SIGN_IN_BYTES = 16 * 1024


class SignInRefusedError(Exception):
    """The body of the sign-in is malformed; `field` is "body", "email" or "fullName"."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def clerk_error(status: int, code: str, message: str) -> Response:
    """Clerk's error shape, which its SDK turns into ClerkErrors (400, 401, 404) or SDKError (429, 5xx)."""
    return JSONResponse(
        {"errors": [{"message": message, "long_message": message, "code": code}]}, status_code=status
    )


def read_sign_in(body: bytes) -> tuple[str, str | None]:
    """The e-mail address and the full name, if one was given. Raises SignInRefusedError."""
    try:
        fields = json.loads(body)
    except ValueError:
        raise SignInRefusedError(
            "body", 'The body must be JSON, such as {"email": "you@example.org"}'
        ) from None
    if not isinstance(fields, dict):
        raise SignInRefusedError(
            "body", 'The body must be a JSON object, such as {"email": "you@example.org"}'
        )
    email, full_name = fields.get("email"), fields.get("fullName")
    if not isinstance(email, str) or not EMAIL.fullmatch(email.strip()) or len(email) > MAX_EMAIL_CHARACTERS:
        raise SignInRefusedError("email", "email must be an e-mail address, such as you@example.org")
    if full_name is None:
        return email.strip(), None
    if not isinstance(full_name, str) or not full_name.strip() or len(full_name) > MAX_NAME_CHARACTERS:
        raise SignInRefusedError(
            "fullName", f"fullName must be a name of 1 to {MAX_NAME_CHARACTERS} characters"
        )
    return email.strip(), " ".join(full_name.split())


def user_record(account: Account, image_url: str) -> dict[str, Any]:
    """Every key that the SDK requires of a user: it refuses a response that lacks one."""
    return {
        "id": account.clerk_id,
        "object": "user",
        "external_id": None,
        "primary_email_address_id": account.email_id,
        "primary_phone_number_id": None,
        "primary_web3_wallet_id": None,
        "username": None,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "image_url": image_url,
        "has_image": True,
        "public_metadata": {},
        "private_metadata": {},
        "unsafe_metadata": {},
        "email_addresses": [
            {
                "id": account.email_id,
                "object": "email_address",
                "email_address": account.email,
                "reserved": False,
                "verification": {
                    "object": "verification_ticket",
                    "status": "verified",
                    "strategy": "ticket",
                    "attempts": None,
                    "expire_at": None,
                },
                "linked_to": [],
                "matches_sso_connection": False,
                "created_at": account.created_at_ms,
                "updated_at": account.created_at_ms,
            }
        ],
        "phone_numbers": [],
        "web3_wallets": [],
        "passkeys": [],
        "password_enabled": False,
        "two_factor_enabled": False,
        "totp_enabled": False,
        "backup_code_enabled": False,
        "mfa_enabled_at": None,
        "mfa_disabled_at": None,
        "external_accounts": [],
        "saml_accounts": [],
        "enterprise_accounts": [],
        "last_sign_in_at": account.last_sign_in_at_ms,
        "banned": False,
        "locked": False,
        "lockout_expires_in_seconds": None,
        "verification_attempts_remaining": 100,
        "created_at": account.created_at_ms,
        "updated_at": account.last_sign_in_at_ms,
        "delete_self_enabled": True,
        "create_organization_enabled": True,
        "last_active_at": account.last_sign_in_at_ms,
        "legal_accepted_at": None,
    }


class Clerk:
    """Opened with `async with`; the signing key and the accounts are stored in `data_dir/clerk`."""

    def __init__(self, settings: CloudSettings) -> None:
        self._settings = settings
        self._issuer = issuer_of(settings.clerk_publishable_key)
        self._folder = settings.data_dir / "clerk"
        self._accounts = Accounts(self._folder / "accounts.sqlite3")
        self._webhooks = Webhooks(
            self._folder / "webhooks.sqlite3", settings.clerk_webhook_url, settings.clerk_webhook_secret
        )
        self._loaded_key: SigningKey | None = None

    @property
    def _signing_key(self) -> SigningKey:
        if self._loaded_key is None:
            raise RuntimeError("The local Clerk is not open")
        return self._loaded_key

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/v1/jwks", self._jwks),
            Route("/v1/users/{clerk_id}", self._user),
            Route(
                "/v1/users/{clerk_id}", self._rename_user, methods=["PATCH"], max_body_size=MAX_SIGN_IN_BYTES
            ),
            Route("/v1/users/{clerk_id}", self._delete_user, methods=["DELETE"]),
            Route("/v1/{rest:path}", self._unknown_call, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/accounts/{email}", self._put_account, methods=["PUT"], max_body_size=MAX_SIGN_IN_BYTES),
            Route("/accounts/{email}", self._delete_account, methods=["DELETE"]),
            Route("/sign-in", self._sign_in, methods=["POST"], max_body_size=MAX_SIGN_IN_BYTES),
            Route("/sign-in", preflight, methods=["OPTIONS"]),
            Route("/avatars/{clerk_id}.png", self._avatar),
        ]

    async def __aenter__(self) -> Self:
        self._loaded_key = await asyncio.to_thread(
            SigningKey.load_or_create, self._folder / "signing-key.pem"
        )
        await self._accounts.__aenter__()
        await self._webhooks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._webhooks.__aexit__(kind, error, trace)
        await self._accounts.__aexit__(kind, error, trace)

    def _refusal(self, request: Request) -> Response | None:
        """Returns the error for a call without the secret key; None when it has it."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(
            key.strip().encode(), self._settings.clerk_secret_key.encode()
        ):
            return None
        return clerk_error(401, "clerk_key_invalid", "The provided Clerk Secret Key is invalid.")

    async def _jwks(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"keys": [self._signing_key.jwk()]})

    async def _user(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        account = await self._accounts.find(request.path_params["clerk_id"])
        if account is None:
            return clerk_error(404, "resource_not_found", "No user was found with this id.")
        image_url = f"{self._settings.public_url}/avatars/{account.clerk_id}.png"
        return JSONResponse(user_record(account, image_url))

    async def _rename_user(self, request: Request) -> Response:
        """`first_name` and `last_name`, of all that Clerk can change."""
        if refusal := self._refusal(request):
            return refusal
        try:
            fields = json.loads(await request.body())
            name = " ".join(str(fields[each]) for each in ("first_name", "last_name") if fields.get(each))
        except (ValueError, AttributeError, TypeError):
            return clerk_error(400, "request_body_invalid", "The request body is invalid.")
        if not name:
            return clerk_error(422, "form_param_missing", "first_name or last_name must be given.")
        account = await self._accounts.rename(request.path_params["clerk_id"], name)
        if account is None:
            return clerk_error(404, "resource_not_found", "No user was found with this id.")
        return JSONResponse(await self._renamed(account))

    async def _renamed(self, account: Account) -> dict[str, Any]:
        """The record of a renamed person, after its webhook was queued."""
        record = user_record(account, f"{self._settings.public_url}/avatars/{account.clerk_id}.png")
        await self._webhooks.send("user.updated", record)
        return record

    async def _delete_user(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        return await self._delete(request.path_params["clerk_id"])

    async def _delete(self, clerk_id: str) -> Response:
        if not await self._accounts.delete(clerk_id):
            return clerk_error(404, "resource_not_found", "No user was found with this id.")
        deleted = {"id": clerk_id, "object": "user", "deleted": True}
        await self._webhooks.send("user.deleted", deleted)
        return JSONResponse(deleted)

    async def _put_account(self, request: Request) -> Response:
        """For manual use: `{"fullName"}` renames a person, as on Clerk's account page."""
        email = request.path_params["email"]
        account = await self._accounts.find_by_email(email)
        if account is None:
            return Response(status_code=404, headers=OPEN_TO_BROWSERS)
        try:
            fields = json.loads(await request.body())
            _, name = read_sign_in(json.dumps({**fields, "email": email}).encode())
        except (ValueError, TypeError, SignInRefusedError) as refused:
            return JSONResponse({"error": str(refused)}, status_code=422, headers=OPEN_TO_BROWSERS)
        renamed = await self._accounts.rename(account.clerk_id, name or account.full_name)
        return JSONResponse(await self._renamed(renamed or account), headers=OPEN_TO_BROWSERS)

    async def _delete_account(self, request: Request) -> Response:
        """For manual use: deletes a person, as on Clerk's account page."""
        account = await self._accounts.find_by_email(request.path_params["email"])
        return await self._delete(account.clerk_id if account is not None else "")

    async def _unknown_call(self, request: Request) -> Response:
        return self._refusal(request) or clerk_error(
            404, "resource_not_found", "The local Clerk implements GET /v1/jwks and GET /v1/users/{id} only."
        )

    async def _sign_in(self, request: Request) -> Response:
        try:
            email, full_name = read_sign_in(await request.body())
        except SignInRefusedError as refused:
            problem = {"error": str(refused), "errors": [{"field": refused.field, "message": str(refused)}]}
            return JSONResponse(problem, status_code=422, headers=OPEN_TO_BROWSERS)
        account = await self._accounts.signed_in(email, full_name)
        now, lifetime = utc_now(), timedelta(seconds=self._settings.session_seconds)
        origin = request.headers.get("origin")
        claims = session_claims(
            subject=account.clerk_id,
            issuer=self._issuer,
            # Browsers send "null" for a page without an origin, such as a local file.
            authorized_party=self._settings.default_authorized_party if origin in (None, "null") else origin,
            now=now,
            lifetime=lifetime,
        )
        return JSONResponse(
            {
                "token": await asyncio.to_thread(self._signing_key.sign, claims),
                "clerkId": account.clerk_id,
                "expiresAt": (now + lifetime).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            },
            headers={**OPEN_TO_BROWSERS, "Cache-Control": "no-store"},
        )

    async def _avatar(self, request: Request) -> Response:
        account = await self._accounts.find(request.path_params["clerk_id"])
        if account is None:
            return Response(status_code=404, headers=OPEN_TO_BROWSERS)
        png = await asyncio.to_thread(draw_avatar, account.clerk_id, account.full_name)
        headers = {**OPEN_TO_BROWSERS, "Cache-Control": "public, max-age=86400"}
        return Response(png, media_type="image/png", headers=headers)
