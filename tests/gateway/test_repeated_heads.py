"""Requests on one connection whose header lines repeat, and those that differ in little."""

import pytest

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import Client, check_problem, connect, request

LINES = b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer one\r\n\r\n"


async def respond_once(client: Client, data: bytes) -> int:
    """The status of the response to `data`."""
    await client.write(data)
    return (await client.response()).status


async def test_each_request_keeps_its_own_headers() -> None:
    service = Scripted()
    tokens = ["one", "one", "two", "one", None, "two"]
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        for number, token in enumerate(tokens):
            lines = [f"Authorization: Bearer {token}"] if token else []
            await respond_once(client, request("GET", f"/api/songs/{number}?n={number}", *lines))
    seen = [(each.target, each.headers.get("authorization")) for each in service.received]
    assert seen == [
        (f"/songs/{number}?n={number}", f"Bearer {token}" if token else None)
        for number, token in enumerate(tokens)
    ]


async def test_repeated_headers_get_new_request_ids() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        for _ in range(3):
            await respond_once(client, request("GET", "/api/songs"))
    assert len({each.headers.get("x-request-id") for each in service.received}) == 3


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"BREW /api/songs" + LINES, 501, "unknown_method"),
        (b"CONNECT /api/songs" + LINES, 400, "malformed"),
        (b"GET http://x:y:z/api/songs" + LINES, 400, "malformed"),
        (b"GET http://user@x/api/songs" + LINES, 400, "malformed"),
        (b"GET /api/songs HTTP/2.0" + LINES.partition(b"1.1")[2], 400, "malformed"),
    ],
)
async def test_malformed_line_before_repeated_headers_is_refused(head: bytes, status: int, code: str) -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        assert await respond_once(client, b"GET /api/songs" + LINES) == 200
        await client.write(head)
        check_problem(await client.response(), status, code)
    assert len(service.received) == 1


async def test_version_counts_with_repeated_headers() -> None:
    async with listening(Scripted().talk) as there, gateway(there) as port, connect(port) as client:
        assert await respond_once(client, b"GET /api/songs" + LINES) == 200
        assert await respond_once(client, b"GET /api/songs" + LINES.replace(b"1.1", b"1.0")) == 200
        assert await client.at_end()


async def test_bodies_behind_repeated_headers_differ() -> None:
    service = Scripted(lambda received: plain(received.body))
    bodies = [b"first", b"other", b"third"]
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        for body in bodies:
            await client.write(request("POST", "/api/songs/1/plays", body=body))
            assert (await client.response("POST")).body == body
    assert [each.body for each in service.received] == bodies
