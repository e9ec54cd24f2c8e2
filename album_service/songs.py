"""The song service, asked over HTTP as the caller."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.http.service_client import ServiceClient

MOST_IN_A_BATCH = 500


class HttpSongs:
    """Implements Songs."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def visible(self, song_ids: Sequence[str], token: str | None) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for begin in range(0, len(song_ids), MOST_IN_A_BATCH):
            part = {"ids": list(song_ids[begin : begin + MOST_IN_A_BATCH])}
            found += await self._service.ask("POST", "/songs/batch", token=token, json=part, repeatable=True)
        return found
