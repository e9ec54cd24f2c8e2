"""What the local Recombee knows of a running system, asked through Recombee's own SDK."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from recombee_api_client.api_client import RecombeeClient
from recombee_api_client.api_requests import (
    ListItems,
    ListUserBookmarks,
    ListUserDetailViews,
    ListUserPurchases,
    ListUserRatings,
    ListUsers,
)
from recombee_api_client.exceptions import ResponseException

from tests.system.running import RunningSystem
from tests.system.storage import rows
from tests.system.waiting import until


class EngineView:
    """Asks the engine at `cloud` (`http://host:port`), beside the song service."""

    def __init__(self, cloud: str, database_id: str, private_token: str) -> None:
        self._client = RecombeeClient(
            database_id, private_token, protocol="http", options={"base_uri": urlsplit(cloud).netloc}
        )

    @classmethod
    def of(cls, system: RunningSystem) -> "EngineView":
        """The engine of an embedded system."""
        keys = json.loads((system.data_dir / "installation.json").read_text())
        return cls(system.cloud, keys["recombee_database_id"], keys["recombee_private_token"])

    async def send_request(self, request: Any) -> Any:
        """The response of the SDK."""
        return await asyncio.to_thread(self._client.send, request)

    async def users(self) -> set[str]:
        """The ids of all listeners in its model."""
        return set(await self.send_request(ListUsers()))

    async def songs(self) -> set[str]:
        """The ids of all songs that it knows, listed or not."""
        return set(await self.send_request(ListItems()))

    async def listed_songs(self) -> set[str]:
        """The ids of those that it may recommend; none before the song service has prepared the engine."""
        try:
            return set(await self.send_request(ListItems(filter="'isListed'")))
        except ResponseException as failure:
            if failure.status_code == 400:
                return set()
            raise

    async def plays_of(self, user_id: str) -> list[str]:
        """The songs whose plays by this listener it knows, one for each play."""
        return [each["itemId"] for each in await self.send_request(ListUserDetailViews(user_id))]

    async def completions_of(self, user_id: str) -> list[str]:
        """The same of songs played to their end."""
        return [each["itemId"] for each in await self.send_request(ListUserPurchases(user_id))]

    async def skips_of(self, user_id: str) -> list[tuple[str, float]]:
        """The same of skips, each with its rating."""
        return [
            (each["itemId"], each["rating"]) for each in await self.send_request(ListUserRatings(user_id))
        ]

    async def bookmarks_of(self, user_id: str) -> list[str]:
        """The songs that this listener likes, as it knows."""
        return [each["itemId"] for each in await self.send_request(ListUserBookmarks(user_id))]


async def until_synced(system: RunningSystem) -> None:
    """Until every change and interaction is synced."""

    async def is_synced() -> bool:
        waiting = rows(system, "songs.sqlite", "SELECT count(*) FROM interactions WHERE is_sent = 0")
        songs = rows(system, "songs.sqlite", "SELECT count(*) FROM songs WHERE is_sent = 0")
        return (waiting, songs) == ([0], [0])

    await until(is_synced)
    # What was sent last is stale in the cache a moment after it is marked as sent.
    await asyncio.sleep(0.5)
