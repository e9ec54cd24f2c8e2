"""A small GET to a service, for the gateway's own routes."""

import asyncio
from dataclasses import dataclass

from api_gateway.headers import Headers
from shared.http.client.errors import BadResponseError
from shared.http.client.pool import ConnectionPool
from shared.http.client.response import UpstreamResponse
from shared.http.request_id import HEADER, current_request_id


class ResponseTooLargeError(BadResponseError):
    """The response is larger than the limit."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole response."""

    status: int
    body: bytes
    headers: Headers


async def fetch(
    pool: ConnectionPool, path: bytes, headers: Headers, *, seconds: float, max_bytes: int
) -> Fetched:
    """GET `path`, which may have a query, within `seconds`.

    Raises:
        UpstreamError: there is no valid response.
        TimeoutError: it took longer.
    """
    async with asyncio.timeout(seconds):
        connection = pool.take() or await pool.connect()
        lines = [b"GET %s HTTP/1.1" % path, b"host: " + pool.authority, b"accept: application/json"]
        lines += [name + b": " + value for name, value in headers]
        lines.append(b"%s: %s" % (HEADER.lower().encode(), current_request_id().encode()))
        head = b"\r\n".join((*lines, b"", b""))
        response = connection.send("GET", head, idle_seconds=seconds, response_seconds=seconds)
        try:
            return Fetched(*await _read(response, max_bytes))
        finally:
            if not response.ended:
                connection.abort()


async def _read(response: UpstreamResponse, max_bytes: int) -> tuple[int, bytes, Headers]:
    await response.wait_for_head()
    received = bytearray()
    while piece := await response.read():
        received += piece
        if len(received) > max_bytes:
            raise ResponseTooLargeError
    return response.status, bytes(received), response.headers
