"""The song service over HTTP, called for the caller."""

from collections.abc import Sequence

from shared.contracts.songs import MAX_BATCH, SONGS, SongIds, SongOut
from shared.http.service_client import ServiceClient


class HttpSongs:
    """Implements Songs."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def visible(self, song_ids: Sequence[str], token: str | None) -> Sequence[SongOut]:
        found: list[SongOut] = []
        for begin in range(0, len(song_ids), MAX_BATCH):
            wanted = SongIds(ids=list(song_ids[begin : begin + MAX_BATCH])).model_dump(by_alias=True)
            songs: list[SongOut] = await self._service.fetch(
                SONGS, "POST", "/songs/batch", token=token, json=wanted, repeatable=True
            )
            found += songs
        return found
