"""Cursors and pages."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from shared.clock import from_millis
from shared.errors import InvalidError
from shared.http.pagination import Cursor, Page, Slice, next_link, split_page
from shared.http.sorting import Position, cursor_text

IDS = st.from_regex(r"[0-9a-f]{24}", fullmatch=True)
THINGS = "all things"
MOMENTS = st.integers(0, 4_000_000_000_000).map(from_millis)


@dataclass(frozen=True)
class Entry:
    id: str
    created_at: datetime


def entries(count: int) -> list[Entry]:
    return [Entry(f"{number:024x}", from_millis(1_700_000_000_000 - number)) for number in range(count)]


@given(created_at=MOMENTS, entry_id=IDS)
def test_cursor_round_trips_as_text(created_at: datetime, entry_id: str) -> None:
    cursor = Cursor(created_at, entry_id)
    text = cursor.to_text(THINGS)
    assert Cursor.from_text(text, THINGS) == cursor
    assert len(text) <= 80


@given(created_at=MOMENTS, entry_id=IDS)
def test_cursor_is_invalid_in_another_list(created_at: datetime, entry_id: str) -> None:
    text = Cursor(created_at, entry_id).to_text(THINGS)
    with pytest.raises(InvalidError) as refused:
        Page(20, text, total=False).to_slice(1000, "other things")
    assert [each.field for each in refused.value.errors] == ["cursor"]


@pytest.mark.parametrize("millis", [10**17, -(10**17), 2**61])
def test_cursor_of_no_possible_time_is_invalid(millis: int) -> None:
    with pytest.raises(InvalidError):
        Cursor.from_text(cursor_text(Position((millis,), "0" * 24), THINGS), THINGS)


@given(text=st.text(max_size=60))
def test_malformed_cursor_is_invalid(text: str) -> None:
    found: Cursor | InvalidError
    try:
        found = Cursor.from_text(text, THINGS)
    except InvalidError as refused:
        found = refused
    if isinstance(found, Cursor):
        assert Cursor.from_text(found.to_text(THINGS), THINGS) == found
    else:
        assert [each.field for each in found.errors] == ["cursor"]


def test_only_full_pages_have_a_next_cursor() -> None:
    shown, cursor = split_page(entries(3), Slice(3), THINGS)
    assert len(shown) == 2
    assert cursor == Cursor.of(shown[-1]).to_text(THINGS)
    assert split_page(entries(2), Slice(3), THINGS) == (entries(2), None)
    assert split_page([], Slice(3), THINGS) == ([], None)


def test_list_without_limit_has_the_maximum_length() -> None:
    assert Page(None, None, total=False).to_slice(1000, THINGS) == Slice(1001)
    assert Page(20, None, total=False).to_slice(1000, THINGS) == Slice(21)


def request(query: str) -> Request:
    return Request(
        {
            "type": "http",
            "query_string": query.encode(),
            "headers": [],
            "path": "/songs",
            "root_path": "/api",
        }
    )


def link(query: str) -> str:
    return f'</api/songs?{query}>; rel="next"'


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=2", "limit=2&cursor=abc"),
        ("role=user&limit=2&cursor=old&total=true", "role=user&total=true&limit=2&cursor=abc"),
        ("q=a%26b&limit=2", "q=a%26b&limit=2&cursor=abc"),
    ],
)
def test_next_link_keeps_other_query_parameters(query: str, expected: str) -> None:
    assert next_link(request(query), "abc", 2, ("role", "q")) == link(expected)


@pytest.mark.parametrize("ignored", ["x=" + "," * 25_000, "q=" + "," * 25_000, "x=1&" * 10_000])
def test_next_link_omits_ignored_parameters(ignored: str) -> None:
    query = f"limit=2&{ignored}&role=user"
    assert next_link(request(query), "abc", 2, ("role",)) == link("role=user&limit=2&cursor=abc")


def test_next_link_keeps_only_the_effective_duplicate() -> None:
    said = request("role=admin&" * 10_000 + "role=user&limit=2")
    assert next_link(said, "abc", 2, ("role",)) == link("role=user&limit=2&cursor=abc")
