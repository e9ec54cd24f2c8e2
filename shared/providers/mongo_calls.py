"""The time that a call to MongoDB may take, and the errors that it raises."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient

from shared.errors import UnavailableError
from shared.providers.mongo_errors import store_errors

EXTRA_SECONDS: Final = 0.5
"""How much later than the driver's own timeout a call is given up."""


class Calls:
    """Limits the time of a call to the server, and translates driver errors."""

    def __init__(self, motor_client: AsyncIOMotorClient[dict[str, Any]]) -> None:
        self._motor_client = motor_client
        self._client: pymongo.MongoClient[dict[str, Any]] = motor_client.delegate

    @asynccontextmanager
    async def limited(self, seconds: float | None = None) -> AsyncIterator[None]:
        """Around one call, which may take `seconds`, or as long as the client's options say.

        Raises:
            UnavailableError: the server cannot be used now, or time was up.
            DuplicateDocumentError: a key is taken.
        """
        options = self._client.options
        most = seconds or options.timeout
        try:
            # The driver's own limit begins only when one of its few threads is free.
            async with asyncio.timeout(most and most + EXTRA_SECONDS):
                with store_errors():
                    if not self._client.topology_description.has_writable_server():
                        await self._find_server(min(options.server_selection_timeout, most or math.inf))
                    with pymongo.timeout(seconds):
                        yield
        except TimeoutError:
            raise UnavailableError("The database is too slow now") from None

    async def _find_server(self, seconds: float) -> None:
        # With `timeoutMS` the driver forgets `serverSelectionTimeoutMS`: while there is no server, each call
        # would take all of its time, and a thread with it.
        with pymongo.timeout(seconds):
            await self._motor_client.admin.command("ping")
