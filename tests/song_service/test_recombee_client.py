"""What is sent to Recombee is what its SDK would send, over connections that are kept."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from recombee_api_client.api_client import RecombeeClient
from recombee_api_client.api_requests import (
    AddItemProperty,
    AddUser,
    Batch,
    DeleteBookmark,
    DeleteUser,
    ListItems,
    RecommendItemsToItem,
    RecommendItemsToUser,
    Request,
    SetItemValues,
)

from song_service.recombee_client import MAX_CONNECTIONS, open_client

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
REQUESTS = {
    "for a user": RecommendItemsToUser(
        "ada", 5, scenario="for-you", filter="'isListed'", cascade_create=False
    ),
    "like an item": RecommendItemsToItem("song", None, 5, scenario="similar"),
    "popular": RecommendItemsToUser("ada", 5, logic={"name": "recombee:popular"}, rotation_rate=0.0),
    "property": AddItemProperty("title", "string"),
    "user": AddUser("ada"),
    "item": SetItemValues("song", {"title": "Füür & Flamme", "createdAt": NOON}, cascade_create=True),
    "batch": Batch([AddUser("ada"), DeleteBookmark("ada", "song")]),
    "deleted user": DeleteUser("ada"),
    "deleted bookmark": DeleteBookmark("ada", "a song, 100 % 'loud' & Ärger"),
    "items": ListItems(count=1, included_properties=["title", "is/it"], return_properties=True),
}


class Server:
    """Responds `{}` to all requests, and writes down the connection, the first line and the body of each.

    `closes_after`: how many requests it takes on a connection before it closes it at the next one.
    """

    def __init__(self) -> None:
        self.received: list[tuple[int, bytes, bytes]] = []
        self.closes_after = 1000
        self.address = ""
        self._connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number = self._connections
        try:
            for _ in range(self.closes_after):
                head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
                length = next(
                    (line[15:] for line in head if line.lower().startswith(b"content-length:")), b"0"
                )
                self.received.append((number, head[0], await reader.readexactly(int(length))))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
            await reader.readuntil(b"\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def sdk(self) -> RecombeeClient:
        options = {"base_uri": self.address}
        return RecombeeClient("music-test", secrets.token_hex(16), protocol="http", options=options)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, asyncio.timeout(60):
        yield server


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_request_is_the_one_of_the_sdk(
    server: Server, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_777_777_777.7)
    sdk = server.sdk()
    if isinstance(request_, Batch):
        request_.ensure_https = False
    expected = await asyncio.to_thread(sdk.send, request_)
    async with open_client(sdk) as client:
        assert await client.send(request_) == expected == {}
    (_, *by_sdk), (_, *by_client) = server.received
    assert by_client == by_sdk
    assert b"hmac_timestamp=1777777777&hmac_sign=" in by_sdk[0]


async def test_connection_is_kept(server: Server) -> None:
    async with open_client(server.sdk()) as client:
        for _ in range(5):
            await client.send(AddUser("ada"))
    assert {number for number, *_ in server.received} == {1}


async def test_connections_are_bounded(server: Server) -> None:
    async with open_client(server.sdk()) as client:
        await asyncio.gather(*(client.send(AddUser("ada")) for _ in range(10 * MAX_CONNECTIONS)))
    assert len(server.received) == 10 * MAX_CONNECTIONS
    assert len({number for number, *_ in server.received}) <= MAX_CONNECTIONS


async def test_request_on_a_connection_that_was_closed_is_repeated(server: Server) -> None:
    server.closes_after = 1
    async with open_client(server.sdk()) as client:
        assert [await client.send(AddUser("ada")) for _ in range(3)] == [{}] * 3
    assert [number for number, *_ in server.received] == [1, 2, 3]
