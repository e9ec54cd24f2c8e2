"""Documents that are sent while they are read."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from shared.errors import UnavailableError
from shared.http.json_stream import CHUNK_BYTES, JsonPieces, json_array, json_object, stream_json
from shared.http.pagination import Cursor, Slice, all_pages

BREAKS_OFF = "The database cannot be used now"


async def pages(*given: Sequence[object]) -> AsyncIterator[Sequence[object]]:
    for page in given:
        yield page


async def text_of(pieces: JsonPieces) -> str:
    return b"".join([piece async for piece in pieces]).decode()


@pytest.mark.parametrize(
    ("given", "expected"),
    [([], []), ([[]], []), ([[1]], [1]), ([[1, "ü"], [], [{"a": None}]], [1, "ü", {"a": None}])],
)
async def test_array_holds_the_rows_of_all_pages(given: list[list[object]], expected: list[object]) -> None:
    assert json.loads(await text_of(json_array(pages(*given)))) == expected


async def test_object_holds_values_and_streamed_members() -> None:
    inner = json_object({"list": json_array(pages([1], [2])), "nothing": None})
    document = json_object({"at": "noon", "inner": inner, 'a "name"': json_array(pages())})
    expected = {"at": "noon", "inner": {"list": [1, 2], "nothing": None}, 'a "name"': []}
    assert json.loads(await text_of(document)) == expected


class Source:
    """Rows of 1 KB, `count` of them, then a failure if it `fails`."""

    def __init__(self, count: int, *, fails: bool) -> None:
        self.count = count
        self.fails = fails
        self.was_read = 0
        self.is_closed = False

    async def rows(self) -> JsonPieces:
        try:
            for _ in range(self.count):
                self.was_read += 1
                yield b"x" * 1024
            if self.fails:
                raise UnavailableError(BREAKS_OFF)
        finally:
            self.is_closed = True


async def never_disconnects() -> Message:
    raise AssertionError("nobody asks with this version of ASGI")


async def test_early_failure_is_raised_before_any_response() -> None:
    source = Source(CHUNK_BYTES // 1024 - 1, fails=True)
    with pytest.raises(UnavailableError):
        await stream_json(source.rows(), {})
    assert source.is_closed


async def test_late_failure_leaves_the_response_incomplete() -> None:
    source = Source(CHUNK_BYTES // 1024 * 3, fails=True)
    response = await stream_json(source.rows(), {"X-Name": "1"})
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
    with pytest.raises(UnavailableError):
        await response(scope, never_disconnects, send)
    assert (sent[0]["status"], response.headers["cache-control"]) == (200, "no-store")
    assert all(message["more_body"] for message in sent[1:])
    assert source.is_closed


async def test_rows_are_read_as_they_are_sent() -> None:
    source = Source(10_000, fails=False)
    response = await stream_json(source.rows(), {})
    assert source.was_read <= CHUNK_BYTES // 1024
    chunks = 0

    async def leaves_soon(message: Message) -> None:
        nonlocal chunks
        chunks += 1
        if chunks == 4:
            raise OSError

    with pytest.raises(ClientDisconnect):
        await response({"type": "http", "asgi": {"spec_version": "2.4"}}, never_disconnects, leaves_soon)
    assert source.was_read <= 4 * CHUNK_BYTES // 1024
    assert source.is_closed


class Entry:
    """An entry of a list, with its place."""

    def __init__(self, number: int) -> None:
        self.id = f"{number:024x}"
        self.created_at = datetime(2026, 3, 1, tzinfo=UTC)


async def test_all_pages_go_on_after_the_last_entry() -> None:
    entries = [Entry(number) for number in range(9, 0, -1)]
    requested: list[Slice] = []

    async def read(part: Slice) -> Sequence[Entry]:
        requested.append(part)
        later = [each for each in entries if part.after is None or each.id < part.after.id]
        return later[: part.limit]

    found = [entry async for page in all_pages(read, 4) for entry in page]
    assert found == entries
    assert [part.after for part in requested] == [None, *(Cursor.of(entries[at]) for at in (3, 7, 8))]
