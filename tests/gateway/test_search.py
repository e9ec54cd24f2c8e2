"""`/api/search` asks three services at once, and says which of them are down."""

import json
import time
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from api_gateway.search import SEARCH_SECONDS
from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, Talk, closed_port, listening, plain
from tests.gateway.wire import ReceivedRequest, Response, send_request


def finding(*titles: str, headers: tuple[str, ...] = ()) -> Scripted:
    """A service that finds these."""
    return Scripted(plain(json.dumps([{"title": each} for each in titles]).encode(), *headers))


async def searched(path: str, *talks: Talk | None) -> Response:
    """The response of a gateway in front of a song, an album and a user service; None: nobody listens."""
    async with AsyncExitStack() as stack:
        ports = [
            await closed_port() if talk is None else await stack.enter_async_context(listening(talk))
            for talk in talks
        ]
        names = ("song_service_url", "album_service_url", "user_service_url")
        urls = {name: f"http://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}
        port = await stack.enter_async_context(gateway(ports[0], **urls))
        return await send_request(port, "GET", path, "Origin: https://front.example")


def query_of(received: ReceivedRequest) -> tuple[str, dict[str, list[str]]]:
    parts = urlsplit(received.target)
    return parts.path, parse_qs(parts.query)


async def test_search_finds_in_all_services_at_once() -> None:
    songs, albums, users = finding("Blue", "Bluer"), finding("Kind of Blue"), finding()
    response = await searched("/api/search?q=bl%C3%BCe%20b&limit=7", songs.talk, albums.talk, users.talk)
    assert response.status == 200
    assert json.loads(response.body) == {
        "query": "blüe b",
        "songs": [{"title": "Blue"}, {"title": "Bluer"}],
        "albums": [{"title": "Kind of Blue"}],
        "artists": [],
    }
    requested: dict[str, list[str]] = {"q": ["blüe b"], "limit": ["7"]}
    assert query_of(songs.received[0]) == ("/songs", requested)
    assert query_of(albums.received[0]) == ("/albums", requested)
    assert query_of(users.received[0]) == ("/users", {**requested, "role": ["artist"]})


async def test_only_requested_types_are_searched() -> None:
    songs, albums, users = finding("Blue"), finding("Kind of Blue"), finding("Bluebird")
    response = await searched("/api/search/?q=blue&types=albums,songs", songs.talk, albums.talk, users.talk)
    body = json.loads(response.body)
    assert (len(body["songs"]), len(body["albums"]), body["artists"]) == (1, 1, [])
    assert users.received == []


async def test_corrections_are_named_for_each_list() -> None:
    songs = finding("Blue", headers=("X-Corrected-Query: blue m%C3%BCsic",))
    response = await searched("/api/search?q=bleu", songs.talk, finding().talk, finding().talk)
    assert json.loads(response.body)["corrected"] == {"songs": "blue müsic"}


@pytest.mark.parametrize(
    "broken", [None, Scripted(plain(b"[]", status="503 Down")).talk, Scripted(plain(b"{")).talk]
)
async def test_service_that_is_down_leaves_its_list_empty(broken: Talk | None) -> None:
    response = await searched("/api/search?q=blue", finding("Blue").talk, broken, finding("Bluebird").talk)
    body = json.loads(response.body)
    assert response.status == 200
    assert (body["albums"], body["unavailable"]) == ([], ["album"])
    assert (len(body["songs"]), len(body["artists"])) == (1, 1)


async def test_search_waits_two_seconds_at_most() -> None:
    async def silent(reader: Any, writer: Any) -> None:
        await reader.read(100_000)
        await reader.read()

    started = time.monotonic()
    response = await searched("/api/search?q=blue", silent, finding("A").talk, finding("B").talk)
    assert SEARCH_SECONDS - 0.1 < time.monotonic() - started < SEARCH_SECONDS + 20
    assert json.loads(response.body)["unavailable"] == ["song"]


async def test_all_services_down_is_503() -> None:
    response = await searched("/api/search?q=blue", None, None, None)
    assert response.status == 503
    assert int(response.headers.get("retry-after") or 0) > 0
    assert json.loads(response.body)["code"] == "unavailable"


@pytest.mark.parametrize(
    "query", ["", "q=a&types=songs,users", "q=a&limit=0", "q=a&limit=51", f"q={'a' * 1001}"]
)
async def test_invalid_values_are_refused(query: str) -> None:
    services = [finding().talk] * 3
    response = await searched(f"/api/search?{query}", *services)
    assert (response.status, json.loads(response.body)["code"]) == (422, "invalid_fields")


@pytest.mark.parametrize(
    "blank", ["", "%20", "%00", "%E2%80%8B", "%CC%81", "%EF%B8%8F", "%C2%AD", "%20%00%C2%AD"]
)
async def test_blank_query_calls_no_service(blank: str) -> None:
    service = finding("Blue")
    response = await searched(f"/api/search?q={blank}", service.talk, service.talk, service.talk)
    assert json.loads(response.body) == {"query": unquote(blank), "songs": [], "albums": [], "artists": []}
    assert service.received == []
