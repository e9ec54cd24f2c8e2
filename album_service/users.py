"""The user service over HTTP."""

from album_service.domain import UserNotFoundError
from shared.contracts.users import PUBLIC_USER
from shared.errors import NotFoundError
from shared.http.service_client import ServiceClient


class HttpUsers:
    """Implements Users."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def check_exists(self, user_id: str) -> None:
        try:
            await self._service.fetch(PUBLIC_USER, "GET", f"/users/{user_id}", repeatable=True)
        except NotFoundError as failure:
            raise UserNotFoundError from failure
