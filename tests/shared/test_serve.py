"""Connection recycling in a serving process."""

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from shared.http.draining import RESPONSES_PER_CONNECTION_CLOSED
from shared.http.middleware import RequestMiddleware


async def responding(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("here")(scope, receive, send)


async def test_connections_are_recycled_after_some_responses() -> None:
    transport = httpx.ASGITransport(app=RequestMiddleware(responding, "recycling-service"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        responses = [await client.get("/") for _ in range(2 * RESPONSES_PER_CONNECTION_CLOSED + 1)]
        posted = [await client.post("/", content=b"sent") for _ in range(2 * RESPONSES_PER_CONNECTION_CLOSED)]
    assert {response.text for response in responses} == {"here"}
    closing = [
        number
        for number, response in enumerate(responses, 1)
        if response.headers.get("connection") == "close"
    ]
    assert closing == [RESPONSES_PER_CONNECTION_CLOSED, 2 * RESPONSES_PER_CONNECTION_CLOSED]
    # Somebody may still be sending what these did not read.
    assert not any("connection" in response.headers for response in posted)
