"""A client that listens while it sends, as good ones do, and counts what was sent before the response."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

PIECE = 64 * 1024
RESPONSE_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """The response, and how many bytes of body had been taken when it came."""

    response: httpx.Response
    sent_bytes: int


async def send_until_success(
    gateway: str,
    path: str,
    body: AsyncIterator[bytes],
    headers: dict[str, str],
    *,
    announced_bytes: int | None,
) -> Outcome:
    """POST `body` piece by piece until the response begins; without `announced_bytes` in chunks."""
    address = urlsplit(gateway)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    framing = (
        {"Transfer-Encoding": "chunked"}
        if announced_bytes is None
        else {"Content-Length": str(announced_bytes)}
    )
    lines = [f"POST /api{path} HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name}: {value}" for name, value in {**headers, **framing}.items()]
    returned = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    sent = 0
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async for piece in body:
            if returned.done():
                break
            writer.write(piece if announced_bytes is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
            sent += len(piece)
            await asyncio.sleep(0)
        else:
            if announced_bytes is None:
                writer.write(b"0\r\n\r\n")
        head = await asyncio.wait_for(returned, RESPONSE_SECONDS)
        return Outcome(await _response(head, reader, f"{gateway}/api{path}"), sent)
    finally:
        returned.cancel()
        writer.close()


async def _response(head: bytes, reader: asyncio.StreamReader, url: str) -> httpx.Response:
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    named = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    length = int({name.lower(): value for name, value in named}.get("content-length", "0"))
    content = await asyncio.wait_for(reader.readexactly(length), RESPONSE_SECONDS)
    return httpx.Response(
        int(first.split()[1]), headers=named, content=content, request=httpx.Request("POST", url)
    )


async def repeated(begin: bytes, filling: bytes, most_bytes: int, end: bytes = b"") -> AsyncIterator[bytes]:
    """`begin`, then `filling` again and again up to `most_bytes`, then `end`."""
    yield begin
    piece = (filling * (PIECE // len(filling) + 1))[:PIECE]
    for _ in range(most_bytes // PIECE):
        yield piece
    if end:
        yield end
