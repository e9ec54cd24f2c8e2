"""Sends the requests of Recombee's SDK, over connections that are kept.

The SDK's own client blocks a thread, and opens a connection for each call: with TLS that takes longer than
the recommendation. What this sends is the same, byte for byte.
"""

import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx
from recombee_api_client.api_client import RecombeeClient
from recombee_api_client.api_requests import Request
from recombee_api_client.exceptions import ResponseException

from shared.http.pooled_transport import PooledTransport

MAX_CONNECTIONS: Final = 8
CONNECT_SECONDS: Final = 2.0
STEP_SECONDS: Final = 60.0
"""httpx's timeout for each step of a call. Callers set a shorter one for the whole call."""

_CLOSED: Final = (httpx.ReadError, httpx.RemoteProtocolError)
_JSON: Final = {"Content-Type": "application/json"}


class AsyncRecombeeClient:
    """Takes the address and the credentials from the SDK's client `sdk`."""

    def __init__(self, sdk: RecombeeClient, http: httpx.AsyncClient) -> None:
        self._address = f"{sdk.protocol}://{sdk.base_uri}"
        self._database_id: str = sdk.database_id
        self._token: bytes = sdk.token.encode()
        self._http = http

    async def send(self, request: Request) -> Any:
        """Send an idempotent request, twice if need be. Returns the decoded response. The caller sets the
        timeout.


        Raises:
            ResponseException: its status is neither 200 nor 201.
            httpx.HTTPError: there is no response.
            ValueError: it is not JSON.
        """
        method = request.method.upper()
        body = None if method == "GET" else json.dumps(request.get_body_parameters()).encode()
        response = await self._send_again_if_closed(method, self._signed_url(request), body)
        if response.status_code not in (200, 201):
            raise ResponseException(request, response.status_code, response.text)
        return response.json()

    async def _send_again_if_closed(self, method: str, url: str, body: bytes | None) -> httpx.Response:
        """A kept connection may be closed by the server at the moment when a request is sent on it."""
        headers = None if body is None else _JSON
        try:
            return await self._http.request(method, url, content=body, headers=headers)
        except _CLOSED:
            return await self._http.request(method, url, content=body, headers=headers)

    def _signed_url(self, request: Request) -> str:
        """Signed with the database's token; valid for 30 s."""
        parameters = {**request.get_query_parameters(), "hmac_timestamp": int(time.time())}
        query = "&".join(f"{name}={_quoted(value)}" for name, value in parameters.items())
        target = f"/{self._database_id}{request.path}?{query}"
        signature = hmac.new(self._token, target.encode(), "sha1").hexdigest()
        return f"{self._address}{target}&hmac_sign={signature}"


def _quoted(value: object) -> str:
    if isinstance(value, list):
        return ",".join(quote(str(each)) for each in value)
    return quote(str(value))


@asynccontextmanager
async def open_client(sdk: RecombeeClient) -> AsyncIterator[AsyncRecombeeClient]:
    """A client with its connections. Each call is to be given a shorter timeout by its caller."""
    transport = PooledTransport(
        f"{sdk.protocol}://{sdk.base_uri}", CONNECT_SECONDS, max_connections=MAX_CONNECTIONS
    )
    async with httpx.AsyncClient(transport=transport, timeout=STEP_SECONDS, trust_env=False) as http:
        yield AsyncRecombeeClient(sdk, http)
