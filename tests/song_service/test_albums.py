"""The song service's client of the album service."""

from collections.abc import Callable

import httpx
import pytest

from shared.errors import InvalidError, UnavailableError
from shared.http.service_client import ServiceClient
from song_service.albums import HttpAlbums

ALBUM, SONG, ARTIST = "a" * 24, "b" * 24, "c" * 24


def albums(behaviour: Callable[[httpx.Request], httpx.Response]) -> HttpAlbums:
    http = httpx.AsyncClient(base_url="http://albums.test", transport=httpx.MockTransport(behaviour))
    return HttpAlbums(ServiceClient(http, "album service"))


async def test_refused_delegation_is_unavailable_not_unauthenticated() -> None:
    refusing = albums(lambda _: httpx.Response(401, json={"detail": "The session token is not valid"}))
    with pytest.raises(UnavailableError):
        await refusing.check_made_by(ALBUM, "t.o.k", {ARTIST})
    with pytest.raises(UnavailableError):
        await refusing.append(ALBUM, SONG, "t.o.k")
    with pytest.raises(UnavailableError):
        await refusing.take_out(ALBUM, SONG, "t.o.k")


async def test_album_with_unavailable_songs_may_hold_song() -> None:
    def behave(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(409, json={"detail": "The song is in this album already"})
        return httpx.Response(200, json={"creatorId": ARTIST, "songIds": [], "songsUnavailable": True})

    with pytest.raises(UnavailableError):
        await albums(behave).append(ALBUM, SONG, "t.o.k")


async def test_conflicts_are_distinguished_by_code() -> None:
    """Not by what the album holds a moment later, when another move may have taken the song out again."""

    def conflict(code: str) -> HttpAlbums:
        return albums(lambda _: httpx.Response(409, json={"detail": "No", "code": code}))

    await conflict("song_in_album").append(ALBUM, SONG, "t.o.k")
    with pytest.raises(InvalidError, match="albumId is full"):
        await conflict("album_full").append(ALBUM, SONG, "t.o.k")
    with pytest.raises(UnavailableError):
        await conflict("changed_meanwhile").append(ALBUM, SONG, "t.o.k")
