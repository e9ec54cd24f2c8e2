"""The user service over HTTP."""

from album_service.domain import UserNotFoundError
from album_service.settings import SERVICE
from shared.access.delegation import Delegation
from shared.access.service_tokens import ServiceTokens
from shared.contracts.users import PUBLIC_USER, USER
from shared.errors import NotFoundError
from shared.http.service_client import ServiceClient


class HttpUsers:
    """Implements Users."""

    def __init__(self, service: ServiceClient, tokens: ServiceTokens, delegation: Delegation) -> None:
        self._service = service
        self._tokens = tokens
        self._delegation = delegation

    async def check_exists(self, user_id: str) -> None:
        try:
            await self._service.fetch(PUBLIC_USER, "GET", f"/users/{user_id}", repeatable=True)
        except NotFoundError as failure:
            raise UserNotFoundError from failure

    async def token_for(self, user_id: str) -> str:
        token, path = self._tokens.token_for(SERVICE), f"/internal/users/{user_id}"
        try:
            user = await self._service.fetch(USER, "GET", path, token=token, repeatable=True)
        except NotFoundError as failure:
            raise UserNotFoundError from failure
        return self._delegation.token_for(user.clerk_id)
