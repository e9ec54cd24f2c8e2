"""The album service's client of the song service."""

import httpx
import pytest

from album_service.songs import HttpSongs
from shared.errors import UnavailableError
from shared.http.service_client import ServiceClient


async def test_refused_delegation_is_not_retried_anonymously() -> None:
    """What anonymous may see would pass for all that the caller may see."""
    requested: list[str | None] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        requested.append(request.headers.get("authorization"))
        return httpx.Response(401 if requested[-1] else 200, json=[])

    http = httpx.AsyncClient(base_url="http://songs.test", transport=httpx.MockTransport(refuse))
    with pytest.raises(UnavailableError):
        await HttpSongs(ServiceClient(http, "song service")).visible(["a" * 24], "t.o.k")
    assert requested == ["Bearer t.o.k"]
