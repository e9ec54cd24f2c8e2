"""Trailers of chunked bodies: bounded, and never relayed."""

import pytest

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, listening
from tests.gateway.wire import check_problem, connect, request

CHUNKED = request("POST", "/api/songs", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n"


@pytest.mark.parametrize("at_once", [True, False])
async def test_trailers_are_not_relayed_as_headers(at_once: bool) -> None:
    service = Scripted()
    said = (
        CHUNKED.replace(b"/songs ", b"/songs/batch ")
        + b"0\r\nAuthorization: Bearer x\r\nExpect: 100-continue\r\nX-Sum: 1\r\n\r\n"
    )
    pieces = [said] if at_once else [said[at : at + 1] for at in range(len(said))]
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        for _ in range(2):
            for piece in pieces:
                await client.write(piece)
            assert (await client.response()).status == 200
    assert len(service.received) == 2
    for received in service.received:
        assert received.body == b"{}"
        assert received.headers.names.isdisjoint({"authorization", "expect", "x-sum"})


@pytest.mark.parametrize("piece", [b"a: b\r\n" * 8_000, b"y" * 50_000])
async def test_endless_trailers_are_not_buffered(piece: bytes) -> None:
    async with listening(Scripted().talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(CHUNKED + b"0\r\nX: 1" + (b"\r\n" if piece[-1:] == b"\n" else b""))
        assert await client.flood(piece) < 10_000_000


async def test_oversized_trailers_are_431() -> None:
    service = Scripted()
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(CHUNKED + b"0\r\n")
        await client.pieces([b"X-Long: ", b"y" * 9_000, b"y"])
        check_problem(await client.response(), 431, "trailers_too_large")
        assert await client.at_end()
    assert [received.complete for received in service.received] == [False]


async def test_large_chunks_are_not_taken_for_trailers() -> None:
    service = Scripted()
    chunk = b"4e20\r\n" + b"z" * 20_000 + b"\r\n"
    async with listening(service.talk) as there, gateway(there) as port, connect(port) as client:
        await client.write(CHUNKED)
        await client.pieces([chunk[:6], chunk[6:15_000], chunk[15_000:]] * 5)
        await client.write(b"0\r\n\r\n")
        assert (await client.response()).status == 200
    assert len(service.last.body) == 100_002
