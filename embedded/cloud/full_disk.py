"""The response when the disk of the local cloud is full: 507, in the shape of the provider called."""

import logging
from collections.abc import Iterable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from embedded.cloud.browser_access import OPEN_TO_BROWSERS
from embedded.cloud.faults import FaultyApi
from embedded.disk_space import is_disk_full
from shared.http.problem import problem

MESSAGE = "The disk of the local cloud is full: free some space, and try again"

logger = logging.getLogger(__name__)


class FullDiskHandler:
    """Handles errors of SQLite and of files for the whole app."""

    def __init__(self, apis: Iterable[FaultyApi]) -> None:
        self._apis = tuple(apis)

    async def respond(self, request: Request, error: Exception) -> Response:
        """Raises `error` if it has another cause."""
        if not is_disk_full(error):
            raise error
        path = request.url.path
        logger.error("%s %s failed: the disk is full", request.method, path)
        status = HTTPStatus.INSUFFICIENT_STORAGE
        for api in self._apis:
            if path.startswith(api.path_prefix):
                return api.error(status, MESSAGE)
        return problem(status, MESSAGE, "disk_full", headers=OPEN_TO_BROWSERS)
